#include "ort_library.hpp"

#include <cstring>
#include <stdexcept>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace neutone_onnx {

namespace {

using GetApiBase = const OrtApiBase *(*)();

// The module onnxruntime has the same runtime linked into it: what is local here stays apart from it.
GetApiBase open_library(const std::filesystem::path &path)
{
#ifdef _WIN32
    HMODULE library = LoadLibraryExW(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (!library)
        throw std::runtime_error("it does not load (error " + std::to_string(GetLastError()) + ")");
    auto entry = reinterpret_cast<GetApiBase>(GetProcAddress(library, "OrtGetApiBase"));
#else
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
        throw std::runtime_error(std::string("it does not load: ") + dlerror());
    auto entry = reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
#endif
    if (!entry)
        throw std::runtime_error("it does not export OrtGetApiBase");
    return entry;
}

} // namespace

Library::Library(const std::filesystem::path &path, const std::string &version)
{
    const OrtApiBase *base = open_library(path)();
    const std::string found = base->get_version();
    if (found != version)
        throw std::runtime_error("it is version " + found + ", expected " + version);
    if (found.rfind("1.", 0) != 0)
        throw std::runtime_error("it is version " + found + ", expected 1.x: another may order its functions anew");
    const OrtFunction *table = base->get_api(ort_api_version);
    if (!table)
        throw std::runtime_error("version " + found + " does not offer version " + std::to_string(ort_api_version) +
                                 " of the C API");
    api_.reset(new OrtApi{table});
    check_status_entries();
    check_tensor_entries();
    check(api().create_env(ort::log_fatal, "neutone", &environment_));
}

void Library::check(OrtStatus *status) const
{
    if (!status)
        return;
    const std::string message = api().get_error_message(status);
    api().release_status(status);
    throw std::runtime_error(message);
}

Handle<OrtMemoryInfo> Library::cpu_memory() const
{
    return own<OrtMemoryInfo>(api().release_memory_info.function(), [this](OrtMemoryInfo **made) {
        return api().create_cpu_memory_info(ort::device_allocator, ort::default_memory, made);
    });
}

Handle<OrtRunOptions> Library::quiet_run_options() const
{
    auto options = own<OrtRunOptions>(api().release_run_options.function(),
                                      [this](OrtRunOptions **made) { return api().create_run_options(made); });
    check(api().set_run_log_severity(options.get(), ort::log_fatal));
    return options;
}

// These come first: every other call reports through a status.
void Library::check_status_entries() const
{
    const char text[] = "a status of neutone's";
    OrtStatus *status = api().create_status(ort::invalid_argument, text);
    const bool kept = status && api().get_error_code(status) == ort::invalid_argument &&
                      std::strcmp(api().get_error_message(status), text) == 0;
    if (!kept)
        throw std::runtime_error("its status does not keep what it was made of");
    api().release_status(status);
}

void Library::check_tensor_entries() const
{
    auto options = quiet_run_options();
    int severity = -1;
    check(api().get_run_log_severity(options.get(), &severity));
    float numbers[6] = {};
    const std::int64_t shape[] = {2, 3};
    auto memory = cpu_memory();
    auto value = own<OrtValue>(api().release_value.function(), [&](OrtValue **made) {
        return api().create_tensor_with_data(memory.get(), numbers, sizeof numbers, shape, 2, 1, made);
    });
    void *data = nullptr;
    check(api().get_tensor_data(value.get(), &data));
    if (severity != ort::log_fatal || data != numbers)
        throw std::runtime_error("its options or tensors do not keep what they were made of");
}

} // namespace neutone_onnx
