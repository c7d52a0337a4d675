"""Model files and traces: what was packed comes back to the bit, and everything else is refused in one sentence."""

import hashlib
import json
import math
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import safe_open

from descend.errors import ModelError
from descend.store import pack_model, pack_trace, unpack_model, unpack_trace

TENSORS = {"W": np.array([[1.5], [-2.0]]), "b": np.array([0.25], np.float32)}
DOCUMENT = {"target": "body mass", "classes": [], "constants": {"delta": 1.35}}
BLANK = b"0" * 64
TAIL = "; copy it again, or train again"


def sealed(header, body=b""):
    """A file with any header and body, whose checksum is right: what somebody with bad intentions would bring."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + body
    return data.replace(BLANK, hashlib.sha256(data).hexdigest().encode(), 1)


def header(document=None, **tensors):
    whole = {"sha256": BLANK.decode(), "schema": "descend.model/1"} | (document or {})
    return {"__metadata__": {"descend": json.dumps(whole)}} | tensors


def document(text):
    return sealed({"__metadata__": {"descend": text}})


def f64(begin, end, shape):
    return {"dtype": "F64", "shape": shape, "data_offsets": [begin, end]}


def refusal(data, source="'m'"):
    with pytest.raises(ModelError) as caught:
        unpack_model(data, source)
    assert caught.value.exit_code == 5
    return str(caught.value)


def test_what_was_packed_comes_back():
    tensors, document = unpack_model(pack_model(TENSORS, DOCUMENT), "'m'")

    assert document == {"schema": "descend.model/1", **DOCUMENT}
    assert tensors.keys() == TENSORS.keys()
    for name, values in tensors.items():
        assert (values.dtype, values.shape) == (TENSORS[name].dtype, TENSORS[name].shape)
        assert values.tobytes() == TENSORS[name].tobytes()


def test_packing_again_gives_the_same_bytes():
    data = pack_model(TENSORS, DOCUMENT)

    assert pack_model(*unpack_model(data, "'m'")) == data


def test_the_file_is_a_safetensors_file_with_one_document(tmp_path):
    (tmp_path / "m.safetensors").write_bytes(pack_model(TENSORS, DOCUMENT))
    with safe_open(tmp_path / "m.safetensors", "numpy") as file:
        metadata, W = file.metadata(), file.get_tensor("W")

    assert list(metadata) == ["descend"]
    assert list(json.loads(metadata["descend"])) == ["sha256", "schema", "target", "classes", "constants"]
    assert W.tolist() == [[1.5], [-2.0]]


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__"),
        st.sampled_from(["f4", "f8", "i8", "u1", "?"]).flatmap(
            lambda dtype: arrays(
                dtype, array_shapes(min_dims=0, min_side=0, max_side=3),
                elements={"allow_nan": False, "allow_infinity": False} if dtype[0] == "f" else None,
            )
        ),
        max_size=3,
    ),
    st.dictionaries(
        st.text(max_size=5).filter(lambda key: key not in ("sha256", "schema")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5,
        ),
        max_size=3,
    ),
)  # fmt: skip
def test_anything_comes_back(tensors, document):
    back, read = unpack_model(pack_model(tensors, document), "'m'")

    assert read == {"schema": "descend.model/1", **document}
    assert {k: (v.dtype, v.shape, v.tobytes()) for k, v in back.items()} == {
        k: (v.dtype, v.shape, v.tobytes()) for k, v in tensors.items()
    }


def test_arrays_in_any_layout_come_back():
    grid = np.arange(12.0).reshape(3, 4)
    back, _ = unpack_model(pack_model({"a": grid.T, "b": grid[:, ::2], "c": grid.astype(">f8")}, {}), "'m'")

    assert [back[k].tolist() for k in "abc"] == [grid.T.tolist(), grid[:, ::2].tolist(), grid.tolist()]


def test_every_flip_and_every_cut_is_noticed_and_runs_nothing():
    data = pack_model(TENSORS, DOCUMENT)
    flips = ({byte ^ 1 << bit for bit in range(8)} | {9, 10, 13, 32, 0, 255} - {byte} for byte in data)
    heard = []
    with Listening(heard):
        for at, values in enumerate(flips):
            for value in values:
                refusal(data[:at] + bytes([value]) + data[at + 1 :])
        for length in range(len(data)):
            refusal(data[:length])
        for more in (b"\x00", b" ", data):
            refusal(data + more)

    assert heard == []
    assert unpack_model(data, "'m'")[1]["target"] == "body mass"


class Listening:
    """Notes everything that runs code; a hook cannot be taken away again, so it can be silenced."""

    now = None
    events = (
        "exec",
        "compile",
        "import",
        "pickle.find_class",
        "marshal.loads",
        "os.system",
        "subprocess.Popen",
        "open",
    )

    def __init__(self, heard):
        self.heard = heard

    def __enter__(self):
        Listening.now = self.heard

    def __exit__(self, *exception):
        Listening.now = None

    @classmethod
    def hear(cls, event, arguments):
        if cls.now is not None and event in cls.events:
            cls.now.append(event)


sys.addaudithook(Listening.hear)


def test_the_listener_hears():
    heard = []
    with Listening(heard):
        pickle.loads(pickle.dumps(math.sqrt))

    assert "pickle.find_class" in heard


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "its header claims 0 bytes, the file has 0"),
        (b"\x00" * 100, "its header claims 0 bytes, the file has 100"),
        (b"\xff" * 7 + b"\x7f", "its header claims 9,223,372,036,854,775,807 bytes, the file has 8"),
        (b"\x00" * 7 + b"\x80{}", "its header claims 9,223,372,036,854,775,808 bytes, the file has 10"),
        (sealed(b'{"a":1,"a":2}'), "its header is no valid JSON (a key is there twice)"),
        (sealed(b"[" * 10_000 + b"]" * 10_000), "its header is nested too deeply"),
        (document("[]"), "its document is no JSON object"),
        (document('{"a": NaN}'), "its document is no valid JSON (NaN is no number)"),
        (document('{"a":' * 10_000 + "1" + "}" * 10_000), "its document is nested too deeply"),
        (document('{"schema": "descend.model/1"}'), "it has no checksum"),
        (document('{"schema": "descend.model/1", "sha256": 5}'), "it has no checksum"),
        (document('{"schema": "descend.model/1", "sha256": ""}'), "it has no checksum"),
        (document('{"schema": "descend.model/1", "a": "\\ud800"}'), "it has no checksum"),
        (document(json.dumps({"schema": "descend.model/1", "sha256": "\u00e9" * 64})), "it has no checksum"),
        (
            document(json.dumps({"schema": "descend.model/1", "sha256": "f" * 64})),
            "its bytes do not match its checksum",
        ),
    ],
)
def test_damage_is_named_by_its_part(data, what):
    assert refusal(data) == f"'m' is damaged: {what}{TAIL}"


@pytest.mark.parametrize(
    ("tensors", "body"),
    [
        ({}, b"appended"),
        ({"W": f64(0, 16, [2]), "b": f64(8, 24, [2])}, bytes(24)),  # overlapping
        ({"W": f64(8, 24, [2])}, bytes(24)),  # a hole
        ({"W": f64(0, 16, [3])}, bytes(16)),
        ({"W": f64(0, 16, [2**62, 2**62])}, bytes(16)),
        ({"W": f64(0, 2**63, [2**60])}, bytes(16)),
        ({"W": f64(16, 0, [2])}, bytes(16)),
        ({"W": f64(0, 16, [-2])}, bytes(16)),
        ({"W": f64(0, 16, [2]) | {"dtype": "F128"}}, bytes(16)),
        ({"W": {"dtype": "F8_E5M2", "shape": [1], "data_offsets": [0, 1]}}, bytes(1)),
        ({"W": "F64"}, b""),
    ],
)
def test_arrays_that_do_not_fit_their_file_are_refused(tensors, body):
    sentence = refusal(sealed(header(**tensors), body))

    assert sentence.startswith("'m' is damaged: its arrays cannot be read (")
    assert sentence.endswith(f"){TAIL}")
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("data", "what"),
    [
        *((pickle.dumps({"a": 1}, k), "a pickle, which would run code when loaded") for k in (2, 3, 4, 5)),
        (
            b"PK\x03\x04" + bytes(100) + b"data.pkl",
            "a zip archive such as torch.save writes, with a pickle inside that would run code when loaded",
        ),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x1f\x8b\x08" + b"1" * 20, "a gzip file"),
    ],
)  # fmt: skip
def test_other_kinds_of_files_are_named(data, what):
    assert refusal(data) == f"'m' is {what}, and no model of descend; name a run that train wrote"


@pytest.mark.parametrize("metadata", [{"other": "x"}, 5, {"descend": 5}, None])
def test_a_model_of_somebody_else_is_refused(metadata):
    assert refusal(sealed({"__metadata__": metadata})) == "'m' was not written by descend; name a run that train wrote"


def test_another_schema_is_refused():
    assert (
        refusal(sealed(header({"schema": "other/1"}))) == "'m' was not written by descend; name a run that train wrote"
    )


def test_a_newer_file_asks_for_an_upgrade():
    assert refusal(sealed(header({"schema": "descend.model/12"}))) == (
        "'m' was written by a newer descend (descend.model/12, this one reads descend.model/1); upgrade descend"
    )


def test_a_header_beyond_the_limit_is_not_read():
    data = (100_000_001).to_bytes(8, "little") + bytes(100_000_001)

    assert refusal(data) == f"'m' is damaged: its header claims 100,000,001 bytes, 100,000,000 are allowed{TAIL}"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_neither_packed_nor_read(value):
    sentence = " holds numbers that are not finite in 'W'; train again with a smaller --lr"
    weights = np.array([1.0, value])

    with pytest.raises(ModelError) as caught:
        pack_model({"W": weights}, {})
    assert str(caught.value) == f"the model{sentence}"
    assert refusal(sealed(header(W=f64(0, 16, [2])), weights.tobytes())) == f"'m'{sentence}"


def test_a_hostile_name_is_a_name_and_no_path():
    tensors, _ = unpack_model(pack_model({"../../x": np.zeros(1), "<script>": np.ones(1)}, {}), "'m'")

    assert sorted(tensors) == ["../../x", "<script>"]


def test_what_sealed_makes_is_read_when_it_is_right():
    tensors, document = unpack_model(sealed(header({"a": 1}, W=f64(0, 16, [2])), np.array([1.0, 2.0]).tobytes()), "'m'")

    assert (tensors["W"].tolist(), document) == ([1.0, 2.0], {"schema": "descend.model/1", "a": 1})


def test_a_trace_comes_back():
    columns = {"epoch": [0, 1, 2], "loss": [2.5, 1e-300, math.nan], "w:<é\n\u2028>": [0.1, math.inf, -0.0]}
    data = pack_trace(columns)

    assert data.decode().splitlines() == [
        '{"epoch": 0, "loss": 2.5, "w:<\\u00e9\\n\\u2028>": 0.1}',
        '{"epoch": 1, "loss": 1e-300, "w:<\\u00e9\\n\\u2028>": null}',
        '{"epoch": 2, "loss": null, "w:<\\u00e9\\n\\u2028>": -0.0}',
    ]  # fmt: skip
    assert unpack_trace(data, "'t'") == {
        "epoch": [0, 1, 2], "loss": [2.5, 1e-300, None], "w:<é\n\u2028>": [0.1, None, -0.0]
    }  # fmt: skip
    assert unpack_trace(pack_trace({}), "'t'") == {}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"a": 1}\n{"a": 2', "its last line is cut short"),
        (b'{"a": 1}\n{"b": 2}\n', "line 2 does not have the fields of line 1"),
        (b'{"a": 1}\n{"a": NaN}\n', "line 2 is no valid JSON (NaN is no number)"),
        (b'{"a": 1}\n\n', "line 2 is no valid JSON (Expecting value: line 1 column 1 (char 0))"),
        (b"[1]\n", "line 1 is no JSON object"),
        (b'{"a": 1, "a": 2}\n', "line 1 is no valid JSON (a key is there twice)"),
        (b"[" * 10_000 + b"\n", "line 1 is nested too deeply"),
    ],
)
def test_a_damaged_trace_is_refused(data, what):
    with pytest.raises(ModelError) as caught:
        unpack_trace(data, "'t'")

    assert str(caught.value) == f"'t' is damaged: {what}{TAIL}"


def test_columns_of_different_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="zip"):
        pack_trace({"epoch": [0, 1], "loss": [1.0]})
