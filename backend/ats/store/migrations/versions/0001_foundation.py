"""Audit, approvals, sessions, orders, kill switch, runs; and the role the application works as."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ats_app') THEN
        CREATE ROLE ats_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the server: another database of it was migrated before, or just now
END $$;
DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'ats_app', 'SET') THEN
        EXECUTE format('GRANT ats_app TO %I', current_user);
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO ats_app;
"""

_APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are kept as they were written', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""

_AUDIT = """
CREATE TABLE audit_chain (
    only_row boolean CONSTRAINT audit_chain_pk PRIMARY KEY DEFAULT true CONSTRAINT audit_chain_is_one CHECK (only_row),
    chain_id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO audit_chain DEFAULT VALUES;

CREATE TABLE audit (
    sequence bigint CONSTRAINT audit_pk PRIMARY KEY CONSTRAINT audit_sequence_from_one CHECK (sequence > 0),
    kind text NOT NULL,
    actor text NOT NULL,
    occurred_at timestamptz NOT NULL,
    source text NOT NULL,
    subject text NOT NULL,
    facts json NOT NULL,  -- json, not jsonb: the hash covers the text as written
    correlation_id text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    previous_hash text NOT NULL CONSTRAINT audit_has_no_fork UNIQUE,
    hash text NOT NULL
);
CREATE INDEX audit_by_kind ON audit (kind, sequence);

CREATE FUNCTION audit_append(
    p_kind text, p_actor text, p_occurred_at timestamptz, p_source text, p_subject text, p_facts text, p_correlation_id text,
    p_content_digest text
) RETURNS TABLE (o_chain_id uuid, o_sequence bigint, o_hash text) LANGUAGE plpgsql AS $$
DECLARE
    last_hash text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ats.audit', 0));  -- one writer at a time; held until the commit is durable
    SELECT c.chain_id INTO STRICT o_chain_id FROM audit_chain c;
    SELECT a.sequence, a.hash INTO o_sequence, last_hash FROM audit a ORDER BY a.sequence DESC LIMIT 1;
    IF NOT FOUND THEN
        o_sequence := 0;
        last_hash := encode(sha256(convert_to('ats audit ' || o_chain_id, 'UTF8')), 'hex');
    END IF;
    o_sequence := o_sequence + 1;
    o_hash := encode(sha256(convert_to(last_hash || ':' || o_sequence || ':' || p_content_digest, 'UTF8')), 'hex');
    INSERT INTO audit (sequence, kind, actor, occurred_at, source, subject, facts, correlation_id, previous_hash, hash)
    VALUES (o_sequence, p_kind, p_actor, p_occurred_at, p_source, p_subject, p_facts::json, p_correlation_id, last_hash, o_hash);
    RETURN NEXT;
END $$;

GRANT SELECT ON audit_chain TO ats_app;
GRANT SELECT, INSERT ON audit TO ats_app;
"""

_APPROVALS = """
CREATE TABLE approvals (
    approval_id text CONSTRAINT approvals_pk PRIMARY KEY,
    strategy text NOT NULL,
    source_digest text NOT NULL,
    instrument_id text NOT NULL,
    bar_spec text NOT NULL,
    params json NOT NULL,
    account_id text NOT NULL,
    caps json NOT NULL,
    digest text NOT NULL,
    approver text NOT NULL,
    note text NOT NULL,
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CONSTRAINT approvals_expire_later CHECK (expires_at > granted_at),
    revoked_at timestamptz,
    revoked_by text,
    revoke_reason text,
    CONSTRAINT approvals_revoked_by_someone CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX approvals_by_scope ON approvals (strategy, instrument_id, bar_spec, granted_at DESC);

CREATE FUNCTION approvals_only_revoke() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL
        OR to_jsonb(OLD) - ARRAY['revoked_at', 'revoked_by', 'revoke_reason']
            IS DISTINCT FROM to_jsonb(NEW) - ARRAY['revoked_at', 'revoked_by', 'revoke_reason'] THEN
        RAISE EXCEPTION 'approval % may only be revoked, once', OLD.approval_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_only_revoke BEFORE UPDATE ON approvals FOR EACH ROW EXECUTE FUNCTION approvals_only_revoke();

GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by, revoke_reason) ON approvals TO ats_app;
"""

_SESSIONS = """
CREATE TABLE sessions (
    session_id text CONSTRAINT sessions_pk PRIMARY KEY,
    mode text NOT NULL CONSTRAINT sessions_mode CHECK (mode IN ('paper', 'live')),
    account_id text NOT NULL,
    status text NOT NULL CONSTRAINT sessions_status
        CHECK (status IN ('starting', 'reconciling', 'running', 'halted', 'stopped', 'failed', 'crashed')),
    plan json NOT NULL,
    pid integer NOT NULL,
    gateway text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text NOT NULL DEFAULT '',
    facts json NOT NULL DEFAULT '{}',
    CONSTRAINT sessions_ended CHECK ((ended_at IS NOT NULL) = (status IN ('stopped', 'failed', 'crashed')))
);
CREATE INDEX sessions_by_start ON sessions (started_at DESC);

CREATE FUNCTION sessions_keep_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.mode = 'live' THEN
            RAISE EXCEPTION 'live session % can never be deleted', OLD.session_id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN OLD;
    END IF;
    IF (OLD.session_id, OLD.mode, OLD.account_id, OLD.started_at, OLD.plan::text)
        IS DISTINCT FROM (NEW.session_id, NEW.mode, NEW.account_id, NEW.started_at, NEW.plan::text) THEN
        RAISE EXCEPTION 'session % keeps its identity and plan', OLD.session_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_keep_identity BEFORE UPDATE OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION sessions_keep_identity();

GRANT SELECT, INSERT, DELETE, UPDATE (status, ended_at, end_reason, facts) ON sessions TO ats_app;
"""

_ORDERS = """
CREATE TABLE order_intents (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT order_intents_pk PRIMARY KEY,
    session_id text NOT NULL CONSTRAINT order_intents_session REFERENCES sessions,
    account_id text NOT NULL,
    client_order_id text NOT NULL,
    action text NOT NULL CONSTRAINT order_intents_action CHECK (action IN ('SUBMIT', 'MODIFY')),
    strategy text NOT NULL,
    instrument_id text NOT NULL,
    side text NOT NULL CONSTRAINT order_intents_side CHECK (side IN ('BUY', 'SELL')),
    quantity numeric NOT NULL,
    order_type text NOT NULL,
    time_in_force text NOT NULL,
    limit_price numeric,
    trigger_price numeric,
    is_emulated boolean NOT NULL,
    verdict text NOT NULL,
    decided_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX order_intents_submitted_once ON order_intents (account_id, client_order_id)
    WHERE action = 'SUBMIT' AND verdict = 'approved';
CREATE INDEX order_intents_by_session ON order_intents (session_id, position);

CREATE TABLE order_events (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT order_events_pk PRIMARY KEY,
    event_id text NOT NULL CONSTRAINT order_events_once UNIQUE,
    session_id text NOT NULL CONSTRAINT order_events_session REFERENCES sessions,
    account_id text NOT NULL,
    client_order_id text NOT NULL,
    venue_order_id text,
    strategy text NOT NULL,
    instrument_id text NOT NULL,
    kind text NOT NULL,
    reason text,
    event_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX order_events_by_session ON order_events (session_id, position);
CREATE INDEX order_events_by_order ON order_events (account_id, client_order_id, position);

CREATE TABLE fills (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT fills_pk PRIMARY KEY,
    session_id text NOT NULL CONSTRAINT fills_session REFERENCES sessions,
    account_id text NOT NULL,
    execution_id text NOT NULL,
    client_order_id text NOT NULL,
    venue_order_id text NOT NULL,
    strategy text NOT NULL,
    instrument_id text NOT NULL,
    side text NOT NULL CONSTRAINT fills_side CHECK (side IN ('BUY', 'SELL')),
    quantity numeric NOT NULL CONSTRAINT fills_quantity CHECK (quantity > 0 AND quantity < 'Infinity'),
    price numeric NOT NULL CONSTRAINT fills_price CHECK (price > '-Infinity' AND price < 'Infinity'),
    commission numeric NOT NULL CONSTRAINT fills_commission CHECK (commission > '-Infinity' AND commission < 'Infinity'),
    currency text NOT NULL,
    filled_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT fills_booked_once UNIQUE (account_id, execution_id)
);
CREATE INDEX fills_by_session ON fills (session_id, position);

GRANT SELECT, INSERT ON order_intents, order_events, fills TO ats_app;
"""

_KILL = """
CREATE TABLE kill_switch (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT kill_switch_pk PRIMARY KEY,
    is_on boolean NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    switched_at timestamptz NOT NULL
);

CREATE FUNCTION kill_switch_set(p_is_on boolean, p_reason text, p_actor text, p_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ats.kill_switch', 0));
    IF coalesce((SELECT k.is_on FROM kill_switch k ORDER BY k.position DESC LIMIT 1), false) = p_is_on THEN
        RETURN false;
    END IF;
    INSERT INTO kill_switch (is_on, reason, actor, switched_at) VALUES (p_is_on, p_reason, p_actor, coalesce(p_at, clock_timestamp()));
    RETURN true;
END $$;

GRANT SELECT, INSERT ON kill_switch TO ats_app;
"""

_RUNS = """
CREATE TABLE runs (
    run_id text CONSTRAINT runs_pk PRIMARY KEY,
    created_at timestamptz NOT NULL,
    strategy text NOT NULL,
    instrument_id text NOT NULL,
    bar_spec text NOT NULL,
    params json NOT NULL,
    code_digest text NOT NULL,
    params_digest text NOT NULL,
    data_digest text NOT NULL,
    status text NOT NULL CONSTRAINT runs_status CHECK (status IN ('queued', 'running', 'done', 'failed')),
    metrics json NOT NULL DEFAULT '{}',
    artifacts json NOT NULL DEFAULT '{}',
    started_at timestamptz,
    ended_at timestamptz,
    error text NOT NULL DEFAULT '',
    CONSTRAINT runs_ended CHECK ((ended_at IS NOT NULL) = (status IN ('done', 'failed'))),
    CONSTRAINT runs_error CHECK ((error <> '') = (status = 'failed'))
);
CREATE INDEX runs_by_creation ON runs (created_at DESC);

CREATE FUNCTION runs_go_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (('queued', 'running'), ('queued', 'failed'), ('running', 'done'), ('running', 'failed')) THEN
        RAISE EXCEPTION 'run % cannot go from % to %', OLD.run_id, OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER runs_go_forward BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION runs_go_forward();

GRANT SELECT, INSERT, UPDATE (status, data_digest, metrics, artifacts, started_at, ended_at, error) ON runs TO ats_app;
"""

_NEVER_CHANGED = ("audit_chain", "audit", "order_intents", "order_events", "fills", "kill_switch")
_NEVER_EMPTIED = (*_NEVER_CHANGED, "approvals", "sessions")


def upgrade() -> None:
    for part in (_ROLE, _APPEND_ONLY, _AUDIT, _APPROVALS, _SESSIONS, _ORDERS, _KILL, _RUNS):
        op.execute(part)
    for table in _NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in _NEVER_EMPTIED:
        op.execute(f"CREATE TRIGGER {table}_is_kept BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER approvals_are_kept BEFORE DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup instead")
