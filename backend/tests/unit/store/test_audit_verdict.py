"""The words of an audit verdict, as `ats audit verify` prints them."""

from ats.store.postgres.audit import AuditFinding, AuditVerdict


def test_a_verdict_reads_as_finding_and_detail():
    assert str(AuditVerdict(AuditFinding.INTACT, 8, "8 rows, chain and anchor agree")) == "intact: 8 rows, chain and anchor agree"
    assert str(AuditVerdict(AuditFinding.TAIL_CUT, 7, "row 8 is gone", 8)) == "tail_cut: row 8 is gone"
