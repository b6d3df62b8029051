"""Every message the gateway can send, through the unmodified decoders of the clients: no field left over, none missing."""

import logging
from decimal import Decimal

import pytest
from ib_insync.decoder import Decoder as InsyncDecoder
from ibapi.decoder import Decoder
from ibapi.wrapper import EWrapper

from ats.gateway.simulated.wire.frames import SERVER_VERSION
from ats.gateway.simulated.wire.layouts import Field, Repeat, encode
from ats.gateway.simulated.wire.messages import MESSAGES

_WORDS = {"time": "20260413 15:27:04 US/Eastern", "completedTime": "20260413 15:27:04 US/Eastern", "date": "20260413", "secType": "STK"}
_VALUES = {"int": 7, "dec": Decimal("12.5"), "bool": True}


def sample(items):
    """A value for every field that has no default, two entries for every list."""
    values = {}
    for item in items:
        if isinstance(item, Repeat):
            values[item.name] = [sample(item.items), sample(item.items)]
        elif isinstance(item, Field) and item.default is None:
            values[item.name] = _VALUES.get(item.kind, _WORDS.get(item.name, "7"))
    return values


class CountingFields:
    """The decoder's iterator, which knows how many fields were taken."""

    def __init__(self, fields):
        self.fields, self.taken = fields, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.taken == len(self.fields):
            raise StopIteration
        self.taken += 1
        return self.fields[self.taken - 1]


class Recorder:
    """Takes every callback and keeps its name."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def callback(*arguments):
            self.calls.append((name, arguments))

        return callback


def recording_wrapper():
    calls = []

    class Wrapper(EWrapper):
        def __getattribute__(self, name):
            found = super().__getattribute__(name)
            if callable(found) and not name.startswith("_"):

                def callback(*arguments, **_):
                    calls.append((name, arguments))

                return callback
            return found

    return Wrapper(), calls


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.name)
def test_ibapi_takes_every_field_and_misses_none(message, caplog):
    fields = [field.encode() for field in encode(message, sample(message.items))]
    wrapper, calls = recording_wrapper()
    decoder = Decoder(wrapper, SERVER_VERSION)
    handler = decoder.msgId2handleInfo[message.message_id]
    if handler.processMeth is not None:
        counting = CountingFields(fields[1:])
        handler.processMeth(decoder, counting)
        assert counting.taken == len(fields) - 1
    else:
        decoder.interpret(fields[1:], message.message_id)
    assert calls, "the message was dropped"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.name)
def test_ib_insync_takes_every_message(message, caplog):
    recorder = Recorder()
    InsyncDecoder(recorder, SERVER_VERSION).interpret(encode(message, sample(message.items)))
    assert recorder.calls, "the message was dropped"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
