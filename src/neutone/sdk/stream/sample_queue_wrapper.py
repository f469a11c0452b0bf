"""The wrapper between a host's blocks and a model's blocks, which hosts of ``.nm`` files call."""

import math

import torch
from torch import Tensor

from neutone.sdk.stream.channel_sandwich import ChannelNormalizerSandwich
from neutone.sdk.stream.host_surface import HostSurface
from neutone.sdk.stream.interpolator import StreamingInterpolator
from neutone.sdk.stream.schedule import choose_model_block, choose_model_rate, least_delay, most_arrivals
from neutone.sdk.stream.sliding_buffer import SlidingTensorBuffer
from neutone.sdk.wrap.waveform import WaveformToWaveformBase

POINTS = {"linear": 2, "hermite": 4}


class SampleQueueWrapper(HostSurface):
    """Runs a model on a host's blocks, whatever their rate and size. It can be scripted, for hosts without Python.

    The stream works like the compiled core's (docs/architecture.md): the same positions, schedule and samples, and the
    least delay at which no frame is late. It picks the model's rate: the host's own if the model supports it, otherwise
    the next higher one, otherwise the next lower one. From the block sizes that the model supports it picks the one
    with the least delay.

    A model that takes any block size is given what has arrived. That is the host's block if nothing is resampled.
    Otherwise it is at most what one host block can bring, which ``set_sample_rate_and_buffer_size`` announces to the
    model. To get blocks of one size, give ``model_bs``.

    Input is queued at the host's rate, and resampled into the model's block once that is complete, so most host blocks
    cost one copy in and one copy out. All memory is allocated by :meth:`set_daw_sample_rate_and_buffer_size`.
    Non-finite input becomes silence. Non-finite output also becomes silence, and then the model is reset, because its
    state may hold NaN. Parameters are clamped to 0..1.

    The real-time methods take float32 audio of shape (1 or 2 channels, ``daw_bs`` frames) and parameters of shape (4,
    frames) in 0..1. They return memory that the next call overwrites. Use them from one thread at a time.

    Args:
        w2w_base: The model, a ``WaveformToWaveformBase``.
        daw_sr: The host's sample rate in Hz.
        model_sr: One of the model's sample rates (Hz), to use no other.
        daw_bs: The host's block size in frames.
        model_bs: One of the model's block sizes (frames), to use no other.
        use_debug_mode: Check shapes at each call, until :meth:`prepare_for_inference`.
        resampler: ``"hermite"`` (4 points) or ``"linear"``.

    Raises:
        ValueError: A rate or block size is not one of the model's, or is below 1; or the resampler is unknown.

    >>> from neutone import ModelMetadata
    >>> class Half(WaveformToWaveformBase):
    ...     metadata = ModelMetadata(model_name="Half", native_sample_rates=[44_100], native_buffer_sizes=[2048])
    ...
    ...     def do_forward_pass(self, x, params):
    ...         return x / 2
    >>> wrapper = SampleQueueWrapper(Half(), daw_sr=48_000, daw_bs=512)
    >>> wrapper.forward(torch.ones(2, 512)).shape
    torch.Size([2, 512])
    >>> wrapper.calc_buffering_delay_samples()
    2231
    >>> wrapper.forward_offline(torch.ones(1, 100))[0, 50].item()
    0.5
    """

    def __init__(
        self,
        w2w_base: WaveformToWaveformBase,
        daw_sr: int = 48_000,
        model_sr: int | None = None,
        daw_bs: int = 2048,
        model_bs: int | None = None,
        use_debug_mode: bool = True,
        resampler: str = "hermite",
    ) -> None:
        if resampler not in POINTS:
            raise ValueError(f"resampler is {resampler!r}, expected one of {', '.join(POINTS)}")
        super().__init__(w2w_base, daw_sr)
        self.use_debug_mode = use_debug_mode
        self.channel_normalizer = ChannelNormalizerSandwich(use_debug_mode)
        self.points = POINTS[resampler]
        self.daw_bs = daw_bs
        self.model_bs = 0  # 0: the model is given what has arrived
        self.session_bs = daw_bs
        self.is_broken = False
        self.blocks_to_wait = 0  # used by forward_bt
        self.is_in_background = False
        self.total = torch.zeros(())
        self.release_memory()
        self.set_daw_sample_rate_and_buffer_size(daw_sr, daw_bs, model_sr, model_bs)

    def release_memory(self) -> None:
        """Release the queues' memory until the next block or the next settings. A file of this module is then small."""
        self.is_allocated = False
        # One row of everything, so that TorchScript knows their types.
        self.way_in = StreamingInterpolator(self.in_n_ch, self.n_params, self.points, 1, 1, 1, 1)
        self.way_out = StreamingInterpolator(self.out_n_ch, 0, self.points, 1, 1, 1, 1)
        self.answers = SlidingTensorBuffer(self.out_n_ch, 1)
        self.host_memory = torch.zeros((1,))
        self.fold_memory = torch.zeros((2, 1))
        self.model_memory = torch.zeros((1,))

    # -- settings ------------------------------------------------------------------------------------------------------

    @torch.jit.export
    def set_daw_sample_rate_and_buffer_size(
        self, daw_sr: int, daw_bs: int, model_sr: int | None = None, model_bs: int | None = None
    ) -> int:
        """Change the host's sample rate (Hz) and block size (frames). It starts from silence, and allocates.

        Args:
            daw_sr: The host's sample rate in Hz.
            daw_bs: The number of frames in each call from now on.
            model_sr: One of the model's sample rates (Hz), to use no other.
            model_bs: One of the model's block sizes (frames), to use no other.

        Returns:
            The most host frames that a host has to buffer if it plays what :meth:`forward_bt` returns.

        Raises:
            ValueError: A rate or block size is not one of the model's, or is below 1.
        """
        if daw_sr < 1 or daw_bs < 1:
            raise ValueError(f"a host rate of {daw_sr} Hz and blocks of {daw_bs} frames, expected at least 1 each")
        rates = self.w2w_base.get_native_sample_rates()
        blocks = self.w2w_base.get_native_buffer_sizes()
        lookahead = self.points // 2
        if model_sr is None:
            rate = choose_model_rate(daw_sr, rates)
        else:
            rate = model_sr
            if rate < 1 or (len(rates) > 0 and rate not in rates):
                raise ValueError(f"model_sr is {rate}, but the model runs at {rates} Hz")
        if model_bs is None:
            block = choose_model_block(daw_sr, daw_bs, rate, blocks, lookahead)
        else:
            block = model_bs
            if block < 1 or (len(blocks) > 0 and block not in blocks):
                raise ValueError(f"model_bs is {block}, but the model takes blocks of {blocks} frames")

        self.daw_sr = daw_sr
        self.daw_bs = daw_bs
        self.model_sr = rate
        self.model_bs = block
        self.session_bs = block if block > 0 else most_arrivals(daw_sr, daw_bs, rate)
        self.delay = least_delay(daw_sr, daw_bs, rate, max(block, 1), lookahead)
        self.w2w_base.set_sample_rate_and_buffer_size(rate, self.session_bs)
        self._allocate()
        self.reset()
        return self.delay + 2 * daw_bs

    def _allocate(self) -> None:
        at_host = most_arrivals(self.model_sr, self.session_bs, self.daw_sr) + 1
        waiting_in = at_host + self.daw_bs + self.points
        waiting_out = self.session_bs + self.points
        self.way_in = StreamingInterpolator(
            self.in_n_ch, self.n_params, self.points, self.daw_sr, self.model_sr, waiting_in, self.session_bs
        )
        self.way_out = StreamingInterpolator(
            self.out_n_ch, 0, self.points, self.model_sr, self.daw_sr, waiting_out, at_host
        )
        longest = self.delay + 2 * self.daw_bs  # as many frames come back as went in, minus the delay
        self.answers = SlidingTensorBuffer(self.out_n_ch, longest)
        self.model_memory = torch.zeros(((self.in_n_ch + self.n_params) * self.session_bs,))
        self.host_memory = torch.zeros((2 * longest,))
        self.fold_memory = torch.zeros((2, self.daw_bs))
        self.is_allocated = True

    @torch.jit.export
    def reset(self) -> None:
        """Clear the queues, the resamplers and the model's state."""
        self.w2w_base.reset()
        self._reset_queues()

    def _reset_queues(self) -> None:
        if not self.is_allocated:
            self._allocate()
        self.way_in.reset()
        self.way_out.reset()
        self.answers.reset()
        self.answers.claim(self.delay).zero_()
        self.is_broken = False
        self.is_in_background = False
        self.blocks_to_wait = 0

    def prepare_for_inference(self) -> None:
        """Leave training and debug mode. Call this before scripting."""
        self.w2w_base.prepare_for_inference()
        self.use_debug_mode = False
        self.channel_normalizer.use_debug_mode = False
        self.eval()

    # -- audio ---------------------------------------------------------------------------------------------------------

    @torch.jit.export
    def forward(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        """Process one host block. For the audio thread.

        Args:
            x: The input, of shape (1 or 2, ``daw_bs``).
            params: The parameters, of shape (4, ``daw_bs``) in 0..1; None for the defaults.

        Returns:
            The output in the shape of ``x``, :meth:`calc_buffering_delay_samples` + :meth:`calc_model_delay_samples`
            frames later. The next call overwrites it.

        Raises:
            ValueError: There are more than ``daw_bs`` frames; or in debug mode, a shape is wrong. If the model raises
                an exception, call :meth:`reset` before going on.
        """
        with torch.no_grad():
            if not self.is_allocated:
                self._reset_queues()
            self._write(x, params)
            self._run()
            return self._read(x.size(0), x.size(1))

    @torch.jit.export
    def forward_bt(self, x: Tensor, params: Tensor | None = None) -> Tensor | None:
        """Process one host block. For a background thread, whose host plays the output in order, after silence at the
        start.

        Returns None for the first ``delay // daw_bs`` blocks. The output after them is exactly as late as that of
        :meth:`forward`.

        Args:
            x: The input, of shape (1 or 2, ``daw_bs``).
            params: The parameters, of shape (4, ``daw_bs``) in 0..1; None for the defaults.

        Returns:
            None, or the output, of shape (channels of ``x``, whole host blocks). The next call overwrites it.

        Raises:
            ValueError: There are more than ``daw_bs`` frames; or in debug mode, a shape is wrong.
        """
        with torch.no_grad():
            if not self.is_allocated:
                self._reset_queues()
            if not self.is_in_background:
                self.is_in_background = True
                self.blocks_to_wait = self.delay // self.daw_bs
                self.answers.discard(self.blocks_to_wait * self.daw_bs)
            self._write(x, params)
            self._run()
            out: Tensor | None = None
            whole = max(self.answers.size(), 0) // self.daw_bs * self.daw_bs
            if self.blocks_to_wait > 0:
                self.blocks_to_wait -= 1
            elif whole > 0:
                out = self._read(x.size(0), whole)
        return out

    @torch.jit.export
    def forward_offline(self, x: Tensor, params: Tensor | None = None) -> Tensor:
        """Process a whole signal from the initial state, with the delay compensated. Allocates.

        Args:
            x: The input, of shape (1 or 2, any number of frames).
            params: The parameters, of shape (4, as many frames) in 0..1; None for the defaults. After the end of the
                signal, the last values hold.

        Returns:
            The output in the shape of ``x``.

        Raises:
            ValueError: The length of ``params`` is not that of ``x``.
        """
        self.reset()
        channels = x.size(0)
        n = x.size(1)
        if params is not None and params.size(1) != n:
            raise ValueError(f"parameters of shape {params.size()} for {n} frames, expected (4, {n})")
        late = self.calc_buffering_delay_samples() + self.calc_model_delay_samples()
        out = torch.zeros((channels, n), dtype=x.dtype)
        block = self.daw_bs
        padded = torch.zeros((channels, block), dtype=x.dtype)
        held = torch.zeros((self.n_params, block))
        if n == 0:
            return out
        for start in range(0, n + late, block):
            here = min(max(n - start, 0), block)
            padded.narrow(1, here, block - here).zero_()
            padded.narrow(1, 0, here).copy_(x.narrow(1, min(start, n), here))
            if params is not None:
                held.copy_(params.narrow(1, n - 1, 1).expand(-1, block))
                held.narrow(1, 0, here).copy_(params.narrow(1, min(start, n), here))
                answer = self.forward(padded, held)
            else:
                answer = self.forward(padded, None)
            skipped = min(max(late - start, 0), block)
            first = start + skipped - late
            some = min(block - skipped, n - first)
            if some > 0:
                out.narrow(1, first, some).copy_(answer.narrow(1, skipped, some))
        return out

    def _write(self, x: Tensor, params: Tensor | None) -> None:
        n = x.size(1)
        if n > self.daw_bs:
            raise ValueError(f"a block of {n} frames, expected the {self.daw_bs} that were set")
        # Always check: with a wrong shape, new audio would miss the queues, and old audio would play on.
        if x.dim() != 2 or x.size(0) < 1 or x.size(0) > 2:
            raise ValueError(f"audio of shape {x.size()}, expected (1 or 2 channels, frames)")
        if params is not None and (params.dim() != 2 or params.size(0) != self.n_params or params.size(1) != n):
            raise ValueError(f"parameters of shape {params.size()}, expected ({self.n_params}, {n})")
        claimed = self.way_in.claim(n)
        if x.size(0) == self.in_n_ch:
            torch.nan_to_num(x, 0.0, 0.0, 0.0, out=claimed.narrow(0, 0, self.in_n_ch))
        else:
            clean = self.host_memory.narrow(0, 0, x.size(0) * n).view(x.size(0), n)
            torch.nan_to_num(x, 0.0, 0.0, 0.0, out=clean)
            self.channel_normalizer(clean, self.in_n_ch == 1, claimed)
        rows = claimed.narrow(0, self.in_n_ch, self.n_params)
        if params is None:
            rows.copy_(self.default_param_values)
        else:
            torch.nan_to_num(params, 0.0, 1.0, 0.0, out=rows).clamp_(0.0, 1.0)

    def _run(self) -> None:
        """Run every model block that is complete."""
        rows = self.in_n_ch + self.n_params
        count = self._next_block()
        while count > 0:
            block = self.model_memory.narrow(0, 0, rows * count).view(rows, count)
            self.way_in.generate(block)
            if self.is_broken:
                self.w2w_base.reset()
                self.is_broken = False
            y = self.w2w_base.forward(block.narrow(0, 0, self.in_n_ch), block.narrow(0, self.in_n_ch, self.n_params))
            if y.size(1) > count:
                # A model with look-behind may return the size that was announced to it; the newest frames are the
                # block.
                y = y.narrow(1, y.size(1) - count, count)
            if self.use_debug_mode and (y.dim() != 2 or y.size(0) != self.out_n_ch or y.size(1) != count):
                raise ValueError(f"the model returned shape {y.size()}, expected ({self.out_n_ch}, {count})")
            self._collect(y, count)
            count = self._next_block()

    def _next_block(self) -> int:
        there = self.way_in.available()
        if self.model_bs > 0:
            return self.model_bs if there >= self.model_bs else 0
        return min(there, self.session_bs)

    def _collect(self, y: Tensor, count: int) -> None:
        resamples = self.is_resampling()
        to = self.way_out.claim(count) if resamples else self.answers.claim(count)
        to.copy_(y)
        torch.sum(to, [0, 1], out=self.total)
        if not math.isfinite(float(self.total.item())):
            to.nan_to_num_(0.0, 0.0, 0.0)
            self.is_broken = True
        if resamples:
            self.way_out.generate(self.answers.claim(self.way_out.available()))

    def _read(self, channels: int, n: int) -> Tensor:
        """Return the oldest output frames, of shape (channels, n). If a host does not keep to its block size, some may
        be missing: they are replaced by silence, and dropped when they come."""
        missing = n - max(min(self.answers.size(), n), 0)
        if missing > 0:
            out = self.host_memory.narrow(0, 0, channels * n).view(channels, n).zero_()
            there = self.channel_normalizer(self.answers.peek(n - missing), channels == 1, self.fold_memory)
            out.narrow(1, 0, n - missing).copy_(there)
        elif channels == self.out_n_ch:
            out = self.host_memory.narrow(0, 0, channels * n).view(channels, n).copy_(self.answers.peek(n))
        else:
            out = self.host_memory.narrow(0, 0, 2 * n).view(2, n)
            out = self.channel_normalizer(self.answers.peek(n), channels == 1, out)
        self.answers.discard(n)
        return out
