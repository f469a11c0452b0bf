// Zeroed memory for a tensor, aligned as the runtime aligns its own: vectorised sums start at an aligned address, so
// alignment can show in the last bit.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace neutone_onnx {

class AlignedMemory {
public:
    explicit AlignedMemory(std::size_t bytes)
        : bytes_(bytes), memory_(static_cast<std::byte *>(::operator new[](bytes ? bytes : 1, alignment)))
    {
        std::memset(memory_.get(), 0, bytes);
    }
    std::byte *data() const { return memory_.get(); }
    float *floats() const { return reinterpret_cast<float *>(memory_.get()); }
    std::size_t bytes() const { return bytes_; }

private:
    static constexpr std::align_val_t alignment{64};
    struct Free {
        void operator()(std::byte *memory) const { ::operator delete[](memory, alignment); }
    };

    std::size_t bytes_;
    std::unique_ptr<std::byte[], Free> memory_;
};

} // namespace neutone_onnx
