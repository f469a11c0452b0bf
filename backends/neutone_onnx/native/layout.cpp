#include "layout.hpp"

#include <functional>
#include <map>
#include <numeric>
#include <stdexcept>

namespace neutone_onnx {

std::int64_t element_count(const Shape &shape)
{
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

ElementType element_type(const std::string &name)
{
    static const std::map<std::string, ElementType> known = {
        {"float32", {1, 4}}, {"int32", {6, 4}},    {"int64", {7, 8}},
        {"bool", {9, 1}},    {"float16", {10, 2}}, {"float64", {11, 8}},
    };
    const auto found = known.find(name);
    if (found == known.end())
        throw std::invalid_argument("element type " + name + ", expected float16/32/64, int32/64 or bool");
    return found->second;
}

} // namespace neutone_onnx
