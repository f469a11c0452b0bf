// Which tensors of a graph are audio, parameters and state: the counterpart of neutone_onnx.layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace neutone_onnx {

using Shape = std::vector<std::int64_t>;

std::int64_t element_count(const Shape &shape);

struct ElementType {
    int code; // of ONNXTensorElementDataType
    std::size_t bytes;
};

// By numpy's name: "float32", "float64", "float16", "int64", "int32" or "bool". Throws std::invalid_argument.
ElementType element_type(const std::string &name);

struct State {
    std::string input_name, output_name;
    Shape shape;
    ElementType type;
    bool has_initializer; // left unfed, the graph starts from its own value; otherwise from zeros
};

// The last axis of every audio tensor is time; `leading` are the axes before it.
struct AudioTensor {
    std::string name;
    Shape leading;
};

struct Layout {
    AudioTensor audio_in, audio_out;
    std::string params; // empty: there are none
    std::vector<State> states;
};

} // namespace neutone_onnx
