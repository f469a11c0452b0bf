// One stream through a model: memory that stays where it is, tensors bound to it once for each block size, and state
// that goes back and forth between two buffers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "aligned_memory.hpp"
#include "layout.hpp"
#include "model.hpp"

namespace neutone_onnx {

class Session {
public:
    // For blocks of up to `block` frames behind `look_behind` earlier ones, with `parameters` rows of parameters.
    Session(std::shared_ptr<const Model> model, Layout layout, std::uint32_t block, std::uint32_t look_behind,
            std::uint32_t parameters);

    // Binds a block size and runs it from each state, so that the runtime has planned its memory before audio flows.
    // The state is undefined afterwards. Throws std::runtime_error with the runtime's reason.
    void warm_up(std::uint32_t frames);

    // Fills audio_out from audio_in and params, rows packed, and returns 0. Otherwise the state stays where it was, and
    // last_error() tells why. A size that it has not seen is bound first.
    int run(std::uint32_t frames) noexcept;

    // Back to the initial state.
    void reset() noexcept { current_ = initial; }

    // Drops what is bound. A run after it binds anew.
    void close() noexcept { bindings_.clear(); }

    // Why a run failed last, cut to what fits; nullptr if none did. The text stays until the next call, so one thread at a
    // time may ask (the GIL sees to that); while a run fails in another one it may be half of this and half of that.
    const char *last_error() noexcept;

    float *audio_in() const { return audio_in_.floats(); }
    float *params() const { return params_.floats(); }
    float *audio_out() const { return audio_out_.floats(); }
    std::int64_t input_channels() const { return element_count(layout_.audio_in.leading); }
    std::int64_t output_channels() const { return element_count(layout_.audio_out.leading); }
    std::uint32_t block() const { return block_; }
    std::uint32_t look_behind() const { return look_behind_; }
    std::uint32_t parameters() const { return parameters_; }

private:
    static constexpr int initial = -1; // else the buffer that holds the state: 0 or 1
    static constexpr std::size_t most_bindings = 256;
    static constexpr std::size_t error_capacity = 1024;

    // One block size three ways: initial -> buffer 0, buffer 0 -> buffer 1, buffer 1 -> buffer 0.
    using Bindings = std::array<Handle<OrtIoBinding>, 3>;

    const Bindings &bindings_for(std::uint32_t frames);
    Handle<OrtIoBinding> make_binding(std::uint32_t frames, int source, int target) const;
    Handle<OrtValue> tensor(const AlignedMemory &memory, const Shape &shape, ElementType type) const;
    OrtStatus *run_binding(const Bindings &bindings, int source) const;
    void keep_error(const char *message) noexcept;

    std::shared_ptr<const Model> model_;
    Layout layout_;
    std::uint32_t block_, look_behind_, parameters_;
    AlignedMemory audio_in_, params_, audio_out_;
    std::vector<AlignedMemory> zeros_;                 // what states without a value of their own start from
    std::array<std::vector<AlignedMemory>, 2> states_; // of each buffer
    Handle<OrtMemoryInfo> cpu_;
    Handle<OrtRunOptions> run_options_;
    std::unordered_map<std::uint32_t, Bindings> bindings_;
    int current_ = initial;
    std::array<std::atomic<char>, error_capacity> error_{};
    std::array<char, error_capacity> told_{}; // what last_error returned
};

} // namespace neutone_onnx
