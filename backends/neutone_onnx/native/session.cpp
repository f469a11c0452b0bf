#include "session.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

namespace neutone_onnx {

namespace {

AlignedMemory floats(std::int64_t rows, std::uint64_t columns)
{
    return AlignedMemory(static_cast<std::size_t>(rows) * columns * sizeof(float));
}

std::vector<AlignedMemory> state_memory(const std::vector<State> &states)
{
    std::vector<AlignedMemory> made;
    made.reserve(states.size());
    for (const State &state : states)
        made.emplace_back(static_cast<std::size_t>(element_count(state.shape)) * state.type.bytes);
    return made;
}

Shape audio_shape(const AudioTensor &tensor, std::uint32_t frames)
{
    Shape shape = tensor.leading;
    shape.push_back(frames);
    return shape;
}

std::size_t bytes_of(const Shape &shape, ElementType type)
{
    return static_cast<std::size_t>(element_count(shape)) * type.bytes;
}

} // namespace

Session::Session(std::shared_ptr<const Model> model, Layout layout, std::uint32_t block, std::uint32_t look_behind,
                 std::uint32_t parameters)
    : model_(std::move(model)), layout_(std::move(layout)), block_(block), look_behind_(look_behind),
      parameters_(parameters), audio_in_(floats(input_channels(), std::uint64_t{look_behind} + block)),
      params_(floats(parameters, block)), audio_out_(floats(output_channels(), block)),
      zeros_(state_memory(layout_.states)), states_{state_memory(layout_.states), state_memory(layout_.states)},
      cpu_(model_->library().cpu_memory()), run_options_(model_->library().quiet_run_options())
{
    bindings_.reserve(most_bindings);
}

void Session::warm_up(std::uint32_t frames)
{
    const Bindings &bindings = bindings_for(frames);
    for (int source : {initial, 0, 1})
        model_->library().check(run_binding(bindings, source));
}

int Session::run(std::uint32_t frames) noexcept
{
    try {
        OrtStatus *status = run_binding(bindings_for(frames), current_);
        if (!status) {
            current_ = current_ == 0 ? 1 : 0;
            return 0;
        }
        const OrtApi &api = model_->library().api();
        keep_error(api.get_error_message(status));
        api.release_status(status);
    } catch (const std::exception &error) {
        keep_error(error.what());
    } catch (...) {
        keep_error("of an unknown exception");
    }
    return 1;
}

OrtStatus *Session::run_binding(const Bindings &bindings, int source) const
{
    const auto way = static_cast<std::size_t>(source - initial);
    return model_->library().api().run_with_binding(model_->session(), run_options_.get(), bindings[way].get());
}

const Session::Bindings &Session::bindings_for(std::uint32_t frames)
{
    const auto found = bindings_.find(frames);
    if (found != bindings_.end())
        return found->second;
    if (frames > block_)
        throw std::length_error("a block of " + std::to_string(frames) + " frames, expected at most " +
                                std::to_string(block_));
    if (bindings_.size() >= most_bindings) // a host whose block sizes vary wildly must not fill the memory
        bindings_.clear();
    return bindings_
        .emplace(frames,
                 Bindings{make_binding(frames, initial, 0), make_binding(frames, 0, 1), make_binding(frames, 1, 0)})
        .first->second;
}

Handle<OrtIoBinding> Session::make_binding(std::uint32_t frames, int source, int target) const
{
    const Library &library = model_->library();
    const OrtApi &api = library.api();
    const ElementType float32 = element_type("float32");
    auto binding =
        library.own<OrtIoBinding>(api.release_io_binding.function(), [&](OrtIoBinding **made) {
            return api.create_io_binding(model_->session(), made);
        });
    // A binding shares in the tensors it is given: their handles need not be kept.
    const auto bind_input = [&](const std::string &name, const AlignedMemory &memory, const Shape &shape,
                                ElementType type) {
        library.check(api.bind_input(binding.get(), name.c_str(), tensor(memory, shape, type).get()));
    };
    const auto bind_output = [&](const std::string &name, const AlignedMemory &memory, const Shape &shape,
                                 ElementType type) {
        library.check(api.bind_output(binding.get(), name.c_str(), tensor(memory, shape, type).get()));
    };

    bind_input(layout_.audio_in.name, audio_in_, audio_shape(layout_.audio_in, look_behind_ + frames), float32);
    if (!layout_.params.empty())
        bind_input(layout_.params, params_, {parameters_, frames}, float32);
    bind_output(layout_.audio_out.name, audio_out_, audio_shape(layout_.audio_out, frames), float32);
    for (std::size_t i = 0; i < layout_.states.size(); i++) {
        const State &state = layout_.states[i];
        if (source != initial)
            bind_input(state.input_name, states_[static_cast<std::size_t>(source)][i], state.shape, state.type);
        else if (!state.has_initializer)
            bind_input(state.input_name, zeros_[i], state.shape, state.type);
        bind_output(state.output_name, states_[static_cast<std::size_t>(target)][i], state.shape, state.type);
    }
    return binding;
}

Handle<OrtValue> Session::tensor(const AlignedMemory &memory, const Shape &shape, ElementType type) const
{
    const Library &library = model_->library();
    return library.own<OrtValue>(library.api().release_value.function(), [&](OrtValue **made) {
        return library.api().create_tensor_with_data(cpu_.get(), memory.data(), bytes_of(shape, type), shape.data(),
                                                     shape.size(), type.code, made);
    });
}

void Session::keep_error(const char *message) noexcept
{
    std::size_t length = 0;
    for (; message[length] && length + 1 < error_capacity; length++)
        error_[length].store(message[length], std::memory_order_relaxed);
    error_[length].store('\0', std::memory_order_relaxed);
}

const char *Session::last_error() noexcept
{
    for (std::size_t i = 0; i < error_capacity; i++)
        told_[i] = error_[i].load(std::memory_order_relaxed);
    told_.back() = '\0';
    return told_[0] ? told_.data() : nullptr;
}

} // namespace neutone_onnx
