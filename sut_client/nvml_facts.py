"""What NVIDIA's management library tells of the GPUs, where it is installed and answers."""

from collections.abc import Callable, Iterator
from typing import Any

from evidence.system_facts import Fact

SOURCE = "NVML"
MOST_GPUS = 64


def gpu_facts() -> Iterator[tuple[str, Fact]]:
    """Get the GPUs with their limits and clocks; power in mW, clocks in MHz, memory in bytes, as NVML has them."""
    try:
        import pynvml
    except ImportError:
        yield "gpus", Fact(None, f"{SOURCE}: the package nvidia-ml-py is not installed")
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as problem:
        yield "gpus", Fact(None, f"{SOURCE}: {problem}")
        return
    try:
        count = min(pynvml.nvmlDeviceGetCount(), MOST_GPUS)
        yield "gpus", Fact([_gpu(pynvml, number) for number in range(count)], SOURCE)
        yield "gpu.driver", Fact(_text(pynvml.nvmlSystemGetDriverVersion()), SOURCE)
    except pynvml.NVMLError as problem:
        yield "gpus", Fact(None, f"{SOURCE}: {problem}")
    finally:
        pynvml.nvmlShutdown()


def _gpu(nvml: Any, number: int) -> dict[str, Any]:
    handle = nvml.nvmlDeviceGetHandleByIndex(number)

    def ask(question: Callable[..., Any], *more: Any) -> Any:
        """Ask; None where this GPU does not answer that."""
        try:
            return _text(question(handle, *more))
        except nvml.NVMLError:
            return None

    memory = ask(nvml.nvmlDeviceGetMemoryInfo)
    return {
        "name": ask(nvml.nvmlDeviceGetName),
        "memory_bytes": memory.total if memory else None,
        "vbios": ask(nvml.nvmlDeviceGetVbiosVersion),
        "power_limit_mw": ask(nvml.nvmlDeviceGetEnforcedPowerLimit),
        "default_power_limit_mw": ask(nvml.nvmlDeviceGetPowerManagementDefaultLimit),
        "max_graphics_clock_mhz": ask(nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_GRAPHICS),
        "applied_graphics_clock_mhz": ask(nvml.nvmlDeviceGetApplicationsClock, nvml.NVML_CLOCK_GRAPHICS),
        "persistence": ask(nvml.nvmlDeviceGetPersistenceMode),
    }


def _text(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
