// neutone_onnx._native: the session for Python, and as nt_session for audio threads.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "neutone/nt_session.h"
#include "session.hpp"

namespace py = pybind11;
using namespace neutone_onnx;

namespace {

using SharedSession = std::shared_ptr<Session>;

// What a capsule points to. It shares in the session: whoever holds the capsule may call it.
struct NativeSession {
    nt_session functions;
    SharedSession session;
};

// Nothing that these three call throws.
int run_native(void *context, std::uint32_t frames)
{
    return static_cast<Session *>(context)->run(frames);
}

void reset_native(void *context)
{
    static_cast<Session *>(context)->reset();
}

const char *error_native(void *context)
{
    return static_cast<Session *>(context)->last_error();
}

void free_native(PyObject *capsule)
{
    delete static_cast<NativeSession *>(PyCapsule_GetContext(capsule));
}

py::object make_capsule(const SharedSession &session)
{
    auto made = std::make_unique<NativeSession>(
        NativeSession{{NT_SESSION_VERSION, session.get(), run_native, reset_native, error_native}, session});
    // Without a destructor until the context is there for it to find.
    auto capsule = py::reinterpret_steal<py::object>(PyCapsule_New(&made->functions, NT_SESSION_CAPSULE, nullptr));
    if (!capsule || PyCapsule_SetContext(capsule.ptr(), made.get()) != 0 ||
        PyCapsule_SetDestructor(capsule.ptr(), free_native) != 0)
        throw py::error_already_set();
    made.release();
    return capsule;
}

py::array_t<float> view(const SharedSession &session, std::int64_t rows, std::int64_t columns, float *memory)
{
    return py::array_t<float>({rows, columns}, memory, py::cast(session));
}

py::object last_error(Session &session)
{
    const char *text = session.last_error();
    if (!text)
        return py::none();
    auto decoded = PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(std::strlen(text)), "replace");
    if (!decoded)
        throw py::error_already_set();
    return py::reinterpret_steal<py::object>(decoded);
}

} // namespace

PYBIND11_MODULE(_native, module)
{
    using py::arg;
    const auto without_gil = py::call_guard<py::gil_scoped_release>();
    module.doc() = "ONNX Runtime through its C API: sessions that run without the GIL.";

    py::class_<Library, std::shared_ptr<Library>>(module, "Library",
                                                  "The shared library with the C API; RuntimeError: it cannot be used.")
        .def(py::init<const std::filesystem::path &, const std::string &>(), arg("path"), arg("version"), without_gil);

    py::class_<Model, std::shared_ptr<Model>>(module, "Model",
                                              "A model file, opened once for all its sessions; RuntimeError.")
        .def(py::init<std::shared_ptr<const Library>, const std::filesystem::path &, int>(), arg("library"),
             arg("path"), arg("threads"), without_gil);

    py::class_<State>(module, "State", "One state tensor.")
        .def(py::init([](std::string input_name, std::string output_name, Shape shape, const std::string &type,
                         bool has_initializer) {
                 return State{std::move(input_name), std::move(output_name), std::move(shape), element_type(type),
                              has_initializer};
             }),
             py::kw_only(), arg("input_name"), arg("output_name"), arg("shape"), arg("element_type"),
             arg("has_initializer"));

    py::class_<Layout>(module, "Layout", "The tensors of a model.")
        .def(py::init([](std::string audio_in, Shape audio_in_leading, std::string audio_out,
                         Shape audio_out_leading, std::optional<std::string> params, std::vector<State> states) {
                 return Layout{{std::move(audio_in), std::move(audio_in_leading)},
                               {std::move(audio_out), std::move(audio_out_leading)},
                               params.value_or(""),
                               std::move(states)};
             }),
             py::kw_only(), arg("audio_in"), arg("audio_in_leading"), arg("audio_out"), arg("audio_out_leading"),
             arg("params"), arg("states"));

    py::class_<Session, SharedSession>(module, "Session", "One stream through a model.")
        .def(py::init<std::shared_ptr<const Model>, Layout, std::uint32_t, std::uint32_t, std::uint32_t>(),
             arg("model"), arg("layout"), arg("block"), arg("look_behind"), arg("parameters"))
        .def("warm_up", &Session::warm_up, arg("frames"), without_gil,
             "Bind a block size and run it from each state; RuntimeError.")
        .def("run", &Session::run, arg("frames"), without_gil, "0: audio_out is filled; else error() says why not.")
        .def("reset", &Session::reset, "Back to the initial state.")
        .def("close", &Session::close, "Drop what is bound.")
        .def("error", &last_error, "Why a run failed last, or None.")
        .def("capsule", &make_capsule, "The session for audio threads, as neutone.plugins.Session.native.")
        .def("audio_in",
             [](const SharedSession &s) {
                 return view(s, s->input_channels(), std::int64_t{s->look_behind()} + s->block(), s->audio_in());
             })
        .def("params", [](const SharedSession &s) { return view(s, s->parameters(), s->block(), s->params()); })
        .def("audio_out", [](const SharedSession &s) { return view(s, s->output_channels(), s->block(), s->audio_out()); });
}
