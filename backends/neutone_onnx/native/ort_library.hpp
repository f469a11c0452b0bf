// The shared library with ONNX Runtime's C API: opened, and checked before anything is built on it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "ort_api.hpp"

namespace neutone_onnx {

template <typename Thing> using Handle = std::unique_ptr<Thing, void (*)(Thing *)>;

// Stays open until the process ends, with its environment: the runtime has threads and exit handlers of its own, which
// must not find their code gone.
class Library {
public:
    // `version` is what the library must say of itself, e.g. "1.20.1". Throws std::runtime_error, which says why it
    // cannot be used.
    Library(const std::filesystem::path &path, const std::string &version);

    const OrtApi &api() const { return *api_; }
    const OrtEnv *environment() const { return environment_; }

    // Throws the message of a status that is an error, and releases it.
    void check(OrtStatus *status) const;

    // make(OrtSomething **) fills in what `release` frees.
    template <typename Thing, typename Make> Handle<Thing> own(void (*release)(Thing *), Make make) const
    {
        Thing *made = nullptr;
        check(make(&made));
        return {made, release};
    }

    Handle<OrtMemoryInfo> cpu_memory() const;
    Handle<OrtRunOptions> quiet_run_options() const;

private:
    void check_status_entries() const;
    void check_tensor_entries() const;

    std::unique_ptr<OrtApi> api_;
    OrtEnv *environment_ = nullptr;
};

} // namespace neutone_onnx
