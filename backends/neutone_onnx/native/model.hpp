// A model file opened through the C API. Its sessions share it; it may run in several threads at once.
#pragma once

#include <filesystem>
#include <memory>

#include "ort_library.hpp"

namespace neutone_onnx {

class Model {
public:
    // `threads` of the runtime, one at a time over the graph. Throws std::runtime_error with the runtime's reason.
    Model(std::shared_ptr<const Library> library, const std::filesystem::path &path, int threads);

    const Library &library() const { return *library_; }
    OrtSession *session() const { return session_.get(); }

private:
    std::shared_ptr<const Library> library_;
    Handle<OrtSession> session_;
};

} // namespace neutone_onnx
