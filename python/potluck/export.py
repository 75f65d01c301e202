# SPDX-License-Identifier: Apache-2.0
"""Writes a PyTorch energy to a file that Potluck's model `torch_module` hosts, and checks that it is the same energy."""

import copy
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping

import torch

INPUTS = ("x", "noise", "label", "given")  # of torch_module, in the order in which it calls a module
TYPES = {torch.float32: "float32", torch.float64: "float64"}
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}


class ExportError(ValueError):
    """What cannot be exported, and why."""


def export(module: torch.nn.Module, example_inputs, path) -> str:
    """Writes `module`, an energy, to `path`, prints the lines of a composition that use it, and returns them.

    module          module(x[, noise][, label][, given]) -> energy [B], one number for each row of its inputs
    example_inputs  a batch: a tensor x [B, ...], a tuple of tensors, or a dict such as {"x": x, "label": label}. In a
                    tuple, integers are the label, real numbers of shape [B] the noise, others what is given
    path            NAME.pt: TorchScript, for any number of rows. NAME.pt2: compiled by AOTInductor with its gradient, for
                    batches of B rows; needs a C++ compiler. Type and device are those of the example's x

    The file is read again: its energies and gradients must be those of the module at random points, within rounding.
    Raises ExportError, and leaves no file, where they are not.
    """
    path = pathlib.Path(path)
    inputs = _named(example_inputs)
    module = copy.deepcopy(module).eval().to(inputs["x"].device, inputs["x"].dtype).requires_grad_(False)
    _check_energy(module, tuple(inputs.values()))
    write, batches = {".pt": (_write_script, (1, 2, 5)), ".pt2": (_write_package, ())}.get(path.suffix, (None, ()))
    if write is None:
        raise ExportError(f"path must end in .pt or .pt2, got '{path}'")
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=f".{path.name}.") as folder:
        file = pathlib.Path(folder) / path.name
        written = write(module, inputs, file)
        for rows in (len(inputs["x"]), *batches):
            _compare(module, written, inputs, rows)
        os.replace(file, path)
    lines = _lines(path, inputs)
    print(f"Wrote {path}. Its energies and gradients are those of the module.\n{lines}", end="")
    return lines


def _named(example_inputs) -> dict:
    if isinstance(example_inputs, torch.Tensor):
        example_inputs = (example_inputs,)
    if not isinstance(example_inputs, Mapping):
        named = {}
        for i, tensor in enumerate(example_inputs):
            named.setdefault("x" if i == 0 else _guess(tensor), tensor)
        if len(named) != len(example_inputs):
            raise ExportError("example_inputs must have at most one noise, label and given, got two that look alike. "
                              "Name them: {'x': x, 'given': y}")
        example_inputs = named
    unknown = [name for name in example_inputs if name not in INPUTS]
    if unknown or "x" not in example_inputs:
        raise ExportError(f"example_inputs must be x and any of noise, label, given, got {', '.join(example_inputs)}")
    order = [name for name in INPUTS if name in example_inputs]
    if list(example_inputs) != order:
        raise ExportError(f"the module must take its inputs in the order {', '.join(order)}, got "
                          f"{', '.join(example_inputs)}. Wrap it in a module that does")
    rows = {name: tensor.shape[0] if tensor.dim() else 0 for name, tensor in example_inputs.items()}
    if len(set(rows.values())) != 1 or 0 in rows.values():
        raise ExportError(f"example_inputs must all have as many rows, at least one, got {rows}")
    if example_inputs["x"].dtype not in TYPES:
        raise ExportError(f"x must be float32 or float64, got {example_inputs['x'].dtype}")
    return {name: tensor.detach().clone() for name, tensor in example_inputs.items()}


def _guess(tensor: torch.Tensor) -> str:
    if not tensor.is_floating_point():
        return "label"
    return "noise" if tensor.dim() == 1 else "given"


def _energy_and_gradients(module, inputs: tuple) -> tuple:
    """Of rows: the energy [B], and dE/dinput of every input of real numbers."""
    with torch.enable_grad():
        inputs = tuple(t.detach().requires_grad_() if t.is_floating_point() else t for t in inputs)
        energy = module(*inputs)
        real = [t for t in inputs if t.requires_grad]
        found = torch.autograd.grad(energy.sum(), real, allow_unused=True)
        gradients = [torch.zeros_like(t) if g is None else g for t, g in zip(real, found)]
    return (energy.detach(), *gradients)


def _check_energy(module, inputs: tuple) -> None:
    with torch.enable_grad():
        x = inputs[0].detach().requires_grad_()
        energy = module(x, *inputs[1:])
    rows = len(x)
    if not isinstance(energy, torch.Tensor) or energy.shape != (rows,):
        got = list(energy.shape) if isinstance(energy, torch.Tensor) else type(energy).__name__
        raise ExportError(f"the module must return an energy for each row, [{rows}], got {got}. Sum over all axes but the "
                          "first, and squeeze what is left")
    if not energy.requires_grad:
        raise ExportError("the energy must have a gradient in x, got one that autograd does not trace to x")


def _write_script(module, inputs: dict, file: pathlib.Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and hosted all the same
        try:
            script = torch.jit.script(module)
        except Exception:  # what TorchScript's compiler does not know, a trace may record
            script = torch.jit.trace(module, tuple(inputs.values()), check_trace=False)
        script.save(str(file))
        loaded = torch.jit.load(str(file), map_location=inputs["x"].device)
    return lambda *rows: _energy_and_gradients(loaded, rows)


def _write_package(module, inputs: dict, file: pathlib.Path):
    from torch.fx.experimental.proxy_tensor import make_fx

    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise ExportError(f"a package needs a C++ compiler, got no '{compiler}'. Install one, name it in CXX, or write .pt")
    rows = tuple(inputs.values())
    joint = make_fx(lambda *all: _energy_and_gradients(module, all))(*rows)
    metadata = {"potluck_batch": str(len(rows[0])), "potluck_inputs": ",".join(inputs),
                "potluck_type": TYPES[rows[0].dtype], "potluck_device": rows[0].device.type}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # One thread: the host shares out the rows, and the bits do not depend on how many threads there are.
        torch._inductor.aoti_compile_and_package(
            torch.export.export(joint, rows), package_path=str(file),
            inductor_configs={"cpp.threads": 1, "aot_inductor.metadata": metadata})
        return torch._inductor.aoti_load_package(str(file))


def _compare(module, written, inputs: dict, rows: int) -> None:
    """Holds the file against the module at random points: the example's rows in another order, real numbers moved."""
    generator = torch.Generator().manual_seed(rows)
    taken = torch.randint(len(inputs["x"]), (rows,), generator=generator)
    points = []
    for name, tensor in inputs.items():
        point = tensor[taken.to(tensor.device)]
        if name == "x":
            noise = torch.randn(point.shape, generator=generator, dtype=torch.float64)
            point = point + 0.1 * noise.to(point.device, point.dtype)
        points.append(point)
    expected = _energy_and_gradients(module, tuple(points))
    try:
        found = written(*points)
    except RuntimeError as error:
        first = next((line for line in reversed(str(error).splitlines()) if line.strip()), "nothing")
        raise ExportError(f"the file must take {rows} rows, got '{first}'. The module may hold the example's number of "
                          "rows fast: use x.shape[0] in its place") from error
    for what, a, b in zip(("energy", *(f"gradient {i}" for i in range(len(expected) - 1))), found, expected):
        bound = TOLERANCE[points[0].dtype] * (1 + b.abs().max().item())
        difference = (a - b).abs().max().item()
        if not difference <= bound:
            raise ExportError(f"the file must have the module's {what} at {rows} rows within {bound:.2g}, got a "
                              f"difference of {difference:.2g}. A module must not act by chance, nor by what its numbers "
                              "are (if, while) where it cannot be scripted")


def _lines(path: pathlib.Path, inputs: dict) -> str:
    shape = ", ".join(str(length) for length in inputs["x"].shape[1:])
    lines = ["variables:", f"  x: {{shape: [{shape}]}}" if shape else "  x: {}"]
    for name in list(inputs)[1:]:
        extents = ", ".join(str(length) for length in inputs[name].shape[1:])
        own = ["categories: K"] if name == "label" else []
        own += [f"shape: [{extents}]"] if extents else []
        lines.append(f"  {name}: {{{', '.join(own)}}}" + ("  # K labels 0 ... K-1" if name == "label" else ""))
    bound = ", ".join(f"{name}: {name}" for name in inputs)
    lines += ["energies:", f"  {path.stem}: {{model: torch_module, settings: {{module: {path}}}, inputs: {{{bound}}}}}"]
    if inputs["x"].dtype == torch.float64:
        lines += ["sample: {precision: float64}"]
    return "\n".join(lines) + "\n"
