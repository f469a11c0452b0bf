#include "model.hpp"

#include <utility>

namespace neutone_onnx {

namespace {

// The same options as neutone_onnx.runtime.open_session sets, so that both compute the same bits.
Handle<OrtSession> open_session(const Library &library, const std::filesystem::path &path, int threads)
{
    const OrtApi &api = library.api();
    auto options = library.own<OrtSessionOptions>(
        api.release_session_options.function(),
        [&](OrtSessionOptions **made) { return api.create_session_options(made); });
    library.check(api.set_intra_op_threads(options.get(), threads));
    library.check(api.set_inter_op_threads(options.get(), 1));
    library.check(api.set_session_execution_mode(options.get(), ort::sequential));
    library.check(api.set_session_log_severity(options.get(), ort::log_fatal));
    return library.own<OrtSession>(api.release_session.function(), [&](OrtSession **made) {
        return api.create_session(library.environment(), path.c_str(), options.get(), made);
    });
}

} // namespace

Model::Model(std::shared_ptr<const Library> library, const std::filesystem::path &path, int threads)
    : library_(std::move(library)), session_(open_session(*library_, path, threads))
{
}

} // namespace neutone_onnx
