"""Rows J3 and J5: account ids and instrument ids are what they say, to the character."""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.core.ids import InstrumentId, is_live_account, is_paper_account, is_symbol, mint_id

BAD_ACCOUNTS = [
    "",
    " ",
    "U",
    "DU",
    "D",
    "U1",
    "U1234",
    "DU1",
    "DU1234",
    "DUX",
    "UX",
    "u123",
    "u1234567",
    "du1234567",
    "Du1234567",
    "dU1234567",
    " U123",
    " U1234567",
    "U1234567 ",
    "DU1234567 ",
    "U123\n",
    "U1234567\n",
    "DU1234567\n",
    "\nU1234567",
    "U1234567\r\n",
    "U1234567\x00",
    "U1234567\u200b",
    "U\u200b1234567",
    "\ufeffU1234567",
    "U123;DU1",
    "U1234567;DU1234567",
    "U1234567,U7654321",
    "U1234567 U7654321",
    "U-1234567",
    "U 1234567",
    "U1234567.0",
    "U12345678901",
    "F123",
    "F1234567",
    "I123",
    "I1234567",
    "DF1234567",
    "DI1234567",
    "DFI1234567",
    "FU1234567",
    "UU1234567",
    "DDU1234567",
    "UD1234567",
    "1234567",
    "U１２３４５６７",
    "U١٢٣٤٥٦٧",
    "Ս1234567",
    "DՍ1234567",
    "ᑌ1234567",
    "DU1234567'--",
    "U1234567/*",
    "%",
    "U%",
    "U_______",
    "../U1234567",
    "U" * 10_240,
    "U" + "1" * 10_239,
]


@pytest.mark.parametrize("account_id", BAD_ACCOUNTS, ids=lambda text: ascii(text)[:24])
def test_what_is_no_individual_account_fits_neither_mode(account_id):
    """J3: every malformed, foreign, advisor or look-alike id, in both modes."""
    assert not is_live_account(account_id)
    assert not is_paper_account(account_id)


@pytest.mark.parametrize("digits", ["12345", "1234567", "12345678", "123456789", "00000"])
def test_an_account_fits_its_own_mode_only(digits):
    """C2, J3: `DU1` in live and a live id in paper."""
    assert is_live_account(f"U{digits}")
    assert not is_paper_account(f"U{digits}")
    assert is_paper_account(f"DU{digits}")
    assert not is_live_account(f"DU{digits}")


@given(text=st.text(max_size=15))
def test_no_text_is_an_account_of_both_modes(text):
    assert not (is_live_account(text) and is_paper_account(text))


BAD_INSTRUMENTS = [
    "",
    " ",
    ".",
    "..",
    "QQQ",
    "QQQ.",
    ".NASDAQ",
    "QQQ.NASDAQ.X",
    "QQQ..NASDAQ",
    "QQQ.N",
    "QQQ.1NASDAQ",
    "qqq.NASDAQ",
    "QQQ.nasdaq",
    "Qqq.NASDAQ",
    " QQQ.NASDAQ",
    "QQQ.NASDAQ ",
    "QQQ .NASDAQ",
    "QQQ. NASDAQ",
    "QQQ-.NASDAQ",
    "-QQQ.NASDAQ",
    "QQQ.NASDAQ\n",
    "QQQ\n.NASDAQ",
    "QQQ\t.NASDAQ",
    "QQQ\x00.NASDAQ",
    "QQQ,NASDAQ",
    "QQQ:NASDAQ",
    "QQQ NASDAQ",
    "QQQ/NASDAQ",
    "QQQ\\X.NASDAQ",
    "../QQQ.NASDAQ",
    "/etc/passwd",
    "../../etc.PASSWD",
    "C:\\QQQ.NASDAQ",
    "QQQ'.NASDAQ",
    'QQQ".NASDAQ',
    "QQQ`.NASDAQ",
    "'; DROP TABLE orders; --.NASDAQ",
    "%.NASDAQ",
    "QQ_.NASDAQ",
    "QQQ.%",
    "QQ%.NASDAQ",
    "*.NASDAQ",
    "Q?Q.NASDAQ",
    "<b>.NASDAQ",
    "$QQQ.NASDAQ",
    "=QQQ.NASDAQ",
    "@QQQ.NASDAQ",
    "QQQ=F.NASDAQ",
    "🚀.NASDAQ",
    "QQQ.🚀",
    "ＱＱＱ.NASDAQ",
    "QQ\u200bQ.NASDAQ",
    "\u202eQQQ.NASDAQ",
    "ОQQ.NASDAQ",
    "A" * 16 + ".NASDAQ",
    "QQQ." + "A" * 17,
    "Q" * 1_024,
    "Q" * 500 + "." + "N" * 500,
    None,
    7,
    7.5,
    True,
    b"QQQ.NASDAQ",
    ["QQQ.NASDAQ"],
    {"symbol": "QQQ"},
]


@pytest.mark.parametrize("text", BAD_INSTRUMENTS, ids=lambda text: ascii(text)[:24])
def test_what_is_no_instrument_is_refused_with_its_field_and_the_remedy(text):
    """J5: missing parts, paths, quotes, wildcards, emoji, 1 kB, other types."""
    with pytest.raises(InputError, match=r"^underlying: ") as caught:
        InstrumentId.parse(text, "underlying")
    assert caught.value.remedy == "Write SYMBOL.VENUE in capitals, for example QQQ.NASDAQ."
    assert caught.value.field == "underlying"
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "text", ["QQQ.NASDAQ", "SPY.ARCA", "BRK B.NYSE", "BF-B.NYSE", "A.NYSE", "7203.TSEJ", "A" * 15 + ".SMART", "ABC.B3"]
)
def test_an_instrument_reads_back_what_it_writes(text):
    assert str(InstrumentId.parse(text)) == text
    assert is_symbol(InstrumentId.parse(text).symbol)


@given(text=st.text(max_size=24))
def test_any_text_is_an_instrument_or_an_input_error(text):
    try:
        assert str(InstrumentId.parse(text)) == text
    except InputError as error:
        assert text.isprintable() or text not in str(error)  # noqa: PT017 -- either outcome is right; what it shows is the law


def test_minted_ids_sort_by_time_and_do_not_repeat():
    at = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
    minted = {mint_id("s", at) for _ in range(1_000)}
    assert len(minted) == 1_000
    assert all(one.startswith("s-20261121T143000-") and len(one) == 28 for one in minted)
    assert max(minted) < mint_id("s", at.replace(second=1))
