"""Check that an ONNX file from an untrusted process is a graph and its weights, and nothing else."""

from collections.abc import Iterator
from typing import Any

from neutone.errors import MetadataError, ModelFileError
from neutone.model.metadata import ModelMetadata
from neutone.sdk.export.onnx.graph import require_exporter

DOMAINS = ("", "ai.onnx")
METADATA_KEY = "neutone"


def check_contents(contents: bytes) -> list[str]:
    """Refuse a file that reaches outside of itself, or that needs more than ONNX's own operators. Nothing is run.

    Returns:
        The names of the inputs that carry state.

    Raises:
        neutone.errors.ModelFileError: The file is not ONNX, refers to other files, has operators of other domains, has
            metadata besides neutone's, or has metadata that exceed a limit.
    """
    onnx = require_exporter()
    try:
        model = onnx.load_model_from_string(contents)
    except Exception as error:  # protobuf's errors
        raise ModelFileError("the conversion did not produce an ONNX file") from error
    domains = {entry.domain for entry in model.opset_import} | {node.domain for node in _nodes(model.graph)}
    foreign = sorted(domains - set(DOMAINS))
    if foreign or model.functions or model.training_info:
        raise ModelFileError(f"the converted file needs more than ONNX's own operators: {', '.join(foreign)}")
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelFileError("the converted file keeps weights in another file")
    keys = [entry.key for entry in model.metadata_props]
    if keys != [METADATA_KEY]:
        raise ModelFileError("the converted file lacks neutone's metadata, or has other metadata besides")
    try:
        metadata = ModelMetadata.from_json(model.metadata_props[0].value)
    except MetadataError as error:
        raise ModelFileError(f"the metadata of the converted file: {error}") from error
    if metadata.oddities:  # leniency is for files of others; this one is about to be written
        raise ModelFileError(f"the metadata of the converted file: {metadata.oddities[0]}")
    return [entry.name for entry in model.graph.input if entry.name.startswith("state.")]


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for inner in _inner_graphs(node):
            yield from _nodes(inner)


def _inner_graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in [attribute.sparse_tensor, *attribute.sparse_tensors]:
                yield from (sparse.values, sparse.indices)
        for inner in _inner_graphs(node):
            yield from _tensors(inner)
