"""Decodes the frames of docs/wire-format.md with nothing but msgpack and pyarrow."""

import struct

import msgpack
import pyarrow as pa


def column(dtype, nodes, buffers):
    """Takes the next column of type `dtype` from the iterators over a frame's nodes and buffers, depth first."""
    physical = dtype.storage_type if isinstance(dtype, pa.BaseExtensionType) else dtype
    rows, nulls = next(nodes)
    own = [next(buffers) for _ in range(2 if pa.types.is_dictionary(physical) else physical.num_buffers)]
    if pa.types.is_dictionary(physical):
        indices = pa.Array.from_buffers(physical.index_type, rows, own, nulls)
        values = column(physical.value_type, nodes, buffers)
        return pa.DictionaryArray.from_arrays(indices, values, ordered=physical.ordered)
    children = [column(physical.field(i).type, nodes, buffers) for i in range(physical.num_fields)]
    return pa.Array.from_buffers(dtype, rows, own, nulls, children=children)


def batch(frames):
    """Decodes one part of a batch: its frame, followed by its further fragments where it has any.

    Gives the frame's map, the RecordBatch and the rows' positions as (source, split, offset) (or None)."""
    frames = [msgpack.unpackb(frame) for frame in frames]
    head = frames[0]
    assert head["sluice"] == 2 and head["kind"] == "batch"
    assert len(frames) == head.get("fragment", [0, 1])[1]
    assert all(f["fragment"] == [i, len(frames)] for i, f in enumerate(frames) if len(frames) > 1)
    body = pa.py_buffer(b"".join(frame["body"] for frame in frames))
    if head["codec"] != "none":
        body = pa.decompress(body, head["body_bytes"], codec=head["codec"])
    assert body.size == head["body_bytes"]
    nodes = iter(head["nodes"])
    buffers = (None if place is None else body.slice(*place) for place in head["buffers"])
    schema = pa.ipc.read_schema(pa.py_buffer(head["schema"]))
    columns = [column(field.type, nodes, buffers) for field in schema]
    positions = [struct.unpack("<IIq", place.as_py()) for place in column(pa.binary(16), nodes, buffers)] if head["positions"] else None
    assert next(nodes, None) is None and next(buffers, "end") == "end"
    if columns:
        rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    else:
        rows = pa.RecordBatch.from_struct_array(pa.array([{}] * head["rows"], pa.struct([])))
    rows.validate(full=True)
    assert rows.num_rows == head["rows"]
    return head, rows, positions
