// The part of ONNX Runtime's C API that a session needs, declared by hand: no package brings the header.
//
// OrtGetApiBase()->GetApi(version) returns a table of function pointers that only ever grows at its end, so an entry
// keeps its index and its signature through all releases of major version 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace neutone_onnx {

// Opaque here as there.
struct OrtEnv;
struct OrtIoBinding;
struct OrtMemoryInfo;
struct OrtRunOptions;
struct OrtSession;
struct OrtSessionOptions;
struct OrtStatus; // NULL is success
struct OrtValue;

using OrtChar = std::filesystem::path::value_type; // ORTCHAR_T: of paths, wide on Windows

// Enumerations are int in C. The values that are used:
namespace ort {
enum ErrorCode : int { invalid_argument = 2 };
enum LogSeverity : int { log_fatal = 4 };
enum ExecutionMode : int { sequential = 0 };
enum AllocatorType : int { device_allocator = 0 };
enum MemoryType : int { default_memory = 0 };
} // namespace ort

// The oldest version whose table is asked for: of onnxruntime 1.18, the oldest that neutone's extra installs. The
// newest of the entries below, those of IoBinding, came long before.
constexpr std::uint32_t ort_api_version = 18;

using OrtFunction = void (*)();

template <std::size_t index, typename Signature> class Entry;

template <std::size_t index, typename Result, typename... Arguments> class Entry<index, Result(Arguments...)> {
public:
    explicit Entry(const OrtFunction *table) : function_(reinterpret_cast<Result (*)(Arguments...)>(table[index]))
    {
        if (!function_)
            throw std::runtime_error("entry " + std::to_string(index) + " of its function table is empty");
    }
    Result operator()(Arguments... arguments) const { return function_(arguments...); }
    auto function() const { return function_; }

private:
    Result (*function_)(Arguments...);
};

struct OrtApi {
    const OrtFunction *table;

    Entry<0, OrtStatus *(int code, const char *message)> create_status{table};
    Entry<1, int(const OrtStatus *)> get_error_code{table};
    Entry<2, const char *(const OrtStatus *)> get_error_message{table};
    Entry<3, OrtStatus *(int severity, const char *log_id, OrtEnv **)> create_env{table};
    Entry<7, OrtStatus *(const OrtEnv *, const OrtChar *path, const OrtSessionOptions *, OrtSession **)>
        create_session{table};
    Entry<10, OrtStatus *(OrtSessionOptions **)> create_session_options{table};
    Entry<13, OrtStatus *(OrtSessionOptions *, int mode)> set_session_execution_mode{table};
    Entry<22, OrtStatus *(OrtSessionOptions *, int severity)> set_session_log_severity{table};
    Entry<24, OrtStatus *(OrtSessionOptions *, int threads)> set_intra_op_threads{table};
    Entry<25, OrtStatus *(OrtSessionOptions *, int threads)> set_inter_op_threads{table};
    Entry<39, OrtStatus *(OrtRunOptions **)> create_run_options{table};
    Entry<41, OrtStatus *(OrtRunOptions *, int severity)> set_run_log_severity{table};
    Entry<44, OrtStatus *(const OrtRunOptions *, int *severity)> get_run_log_severity{table};
    Entry<49, OrtStatus *(const OrtMemoryInfo *, void *data, std::size_t bytes, const std::int64_t *shape,
                          std::size_t rank, int element_type, OrtValue **)>
        create_tensor_with_data{table};
    Entry<51, OrtStatus *(OrtValue *, void **data)> get_tensor_data{table};
    Entry<69, OrtStatus *(int allocator_type, int memory_type, OrtMemoryInfo **)> create_cpu_memory_info{table};
    Entry<93, void(OrtStatus *)> release_status{table};
    Entry<94, void(OrtMemoryInfo *)> release_memory_info{table};
    Entry<95, void(OrtSession *)> release_session{table};
    Entry<96, void(OrtValue *)> release_value{table};
    Entry<97, void(OrtRunOptions *)> release_run_options{table};
    Entry<100, void(OrtSessionOptions *)> release_session_options{table};
    Entry<133, OrtStatus *(OrtSession *, const OrtRunOptions *, const OrtIoBinding *)> run_with_binding{table};
    Entry<134, OrtStatus *(OrtSession *, OrtIoBinding **)> create_io_binding{table};
    Entry<135, void(OrtIoBinding *)> release_io_binding{table};
    Entry<136, OrtStatus *(OrtIoBinding *, const char *name, const OrtValue *)> bind_input{table};
    Entry<137, OrtStatus *(OrtIoBinding *, const char *name, const OrtValue *)> bind_output{table};
};

struct OrtApiBase {
    const OrtFunction *(*get_api)(std::uint32_t version);
    const char *(*get_version)();
};

} // namespace neutone_onnx
