#!/usr/bin/env python3
"""The exact meta-gradient of altocast in PyTorch, as users write it and as well as PyTorch can do it.

    pytorch_meta.py --part forward|gradient|first_order|create_graph|by_hand [--preset small] [--inner-steps M] [--threads N]
    pytorch_meta.py --check CASE_DIR ...

The network, the inner loop and the outer loss are those of docs/derivation.md: a U-Net without norm, SiLU, weights drawn from
a Gaussian, float32. A part is timed alone, so that the peak memory printed beside it is its own (with the interpreter's and
PyTorch's, as a user pays for them). --check runs both meta-gradients in double precision on a reference case (spec.json and
.npy vectors, as `altocast-train check-reference` reads) and prints relative errors.

Needs PyTorch 1.13 or newer and numpy: apt-get install python3-torch python3-numpy.
"""
import argparse
import json
import os
import pathlib
import resource
import sys
import time

PRESETS = {"tiny": (8, 2), "small": (16, 3), "base": (32, 4)}  # base channels, depth
PARTS = ("forward", "gradient", "first_order", "create_graph", "by_hand")
LAYOUTS = ("contiguous", "channels_last")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="+", metavar="CASE_DIR", help="compare with reference cases, in double")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--size", type=int, default=128, help="height and width of the frames")
    parser.add_argument("--support", type=int, default=4)
    parser.add_argument("--query", type=int, default=4)
    parser.add_argument("--inner-steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3, help="timed runs")
    parser.add_argument("--warm-up", type=int, default=1, help="runs before the timed ones")
    parser.add_argument("--layout", choices=LAYOUTS, default="contiguous", help="memory format of the images")
    parser.add_argument("--no-mkldnn", action="store_true", help="PyTorch's own convolutions in place of oneDNN's")
    arguments = parser.parse_args()
    if (arguments.part is None) == (arguments.check is None):
        parser.error("give either --part or --check")
    return arguments


ARGUMENTS = parse_arguments() if __name__ == "__main__" else None
if ARGUMENTS:
    os.environ["OMP_NUM_THREADS"] = str(ARGUMENTS.threads)  # read when PyTorch is loaded
try:
    import numpy
    import torch
    import torch.autograd.forward_ad as forward_ad
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"pytorch_meta.py: {error}; install it with apt-get install python3-torch python3-numpy")


def silu(x):
    """forward_ad of PyTorch 1.13 knows no tangent of silu's own backward pass; of these two operations it does."""
    return x * torch.sigmoid(x)


class Network:
    """f_phi of the flat vector phi, in the canonical order of parameters."""

    def __init__(self, input_frames, leads, base_channels, depth, activation="silu", norm_groups=0):
        self.depth, self.norm_groups, self.leads = depth, norm_groups, leads
        self.activation = {"silu": F.silu, "relu": F.relu}[activation]
        self.tangent_activation = {"silu": silu, "relu": F.relu}[activation]
        self.shapes = []
        width = [base_channels << level for level in range(depth + 1)]
        inputs = [input_frames] + width[:-1]
        for level in range(depth + 1):
            self._block(inputs[level], width[level])
        for level in reversed(range(depth)):
            self._block(width[level + 1] + width[level], width[level])
        self.shapes += [(leads, width[0], 1, 1), (leads,)]
        self.sizes = [int(numpy.prod(shape)) for shape in self.shapes]
        self.size = sum(self.sizes)

    def _block(self, inputs, outputs):
        for channels in (inputs, outputs):
            self.shapes += [(outputs, channels, 3, 3), (outputs,)] + [(outputs,)] * (2 if self.norm_groups else 0)

    def _norm(self, x, gamma, beta):  # of elementary operations, which forward_ad can differentiate twice
        n, c, h, w = x.shape
        groups = x.reshape(n, self.norm_groups, -1)
        shift = groups - groups.mean(-1, keepdim=True)
        normal = shift * torch.rsqrt((shift * shift).mean(-1, keepdim=True) + 1e-5)
        return normal.reshape(n, c, h, w) * gamma[:, None, None] + beta[:, None, None]

    def __call__(self, phi, x, tangents=False):
        activation = self.tangent_activation if tangents else self.activation
        tensors = iter([part.view(shape) for part, shape in zip(phi.split(self.sizes), self.shapes)])

        def block(y):
            for _ in range(2):
                y = F.conv2d(y, next(tensors), next(tensors), padding=1)
                if self.norm_groups:
                    y = self._norm(y, next(tensors), next(tensors))
                y = activation(y)
            return y

        skips, y = [], x
        for level in range(self.depth + 1):
            y = block(F.avg_pool2d(y, 2) if level else y)
            skips.append(y)
        skips.pop()
        for skip in reversed(skips):
            y = block(torch.cat([F.interpolate(y, scale_factor=2, mode="nearest"), skip], 1))
        return F.conv2d(y, next(tensors), next(tensors)) + x[:, -1:]

    def nll(self, phi, log_noise, pairs, tangents=False):
        x, y = pairs
        s = log_noise[:, None, None]
        terms = (y - self(phi, x, tangents)) ** 2 * torch.exp(-2 * s) / 2 + s + 0.5 * numpy.log(2 * numpy.pi)
        return terms.sum()


class Task:
    """One task: network, data, fixed noise and the settings of the loops."""

    def __init__(self, network, theta, log_noise, support, query, noise, query_noise, rates, kl_weights):
        self.network, self.theta, self.log_noise = network, theta, log_noise
        self.support, self.query = support, query
        self.noise, self.query_noise = noise, query_noise  # [M][S] and [S_q] of [D]
        self.rates, (self.kl_inner, self.kl_outer) = rates, kl_weights
        self.support_terms, self.query_terms = support[1].numel(), query[1].numel()


def kl_divergence(lam, theta):
    (mu, rho), (mu_0, rho_0) = lam, theta
    return (rho_0 - rho + (torch.exp(2 * rho) + (mu - mu_0) ** 2) * torch.exp(-2 * rho_0) / 2 - 0.5).sum()


# What users write: autograd through the inner loop.


def meta_gradient_create_graph(task):
    theta = [value.clone().requires_grad_() for value in task.theta]
    log_noise = task.log_noise.clone().requires_grad_()

    def objective(lam, pairs, noise, kl_weight, terms):
        nll = sum(task.network.nll(lam[0] + torch.exp(lam[1]) * e, log_noise, pairs) for e in noise) / len(noise)
        return (kl_weight * kl_divergence(lam, theta) + nll) / terms

    lam = list(theta)
    for noise in task.noise:
        # λ⁰ = θ, but ∇_λ is of λ alone: λ is an own variable that θ flows into.
        lam = [value.view_as(value) for value in lam]
        loss = objective(lam, task.support, noise, task.kl_inner, task.support_terms)
        gradient = torch.autograd.grad(loss, lam, create_graph=True)
        lam = [value - rate * g for value, rate, g in zip(lam, task.rates, gradient)]
    loss = objective(lam, task.query, task.query_noise, task.kl_outer, task.query_terms)
    return torch.autograd.grad(loss, [*theta, log_noise])


# The best that PyTorch can do: the reverse pass over the steps by hand; memory of one gradient with its tangents.


def nll_gradient(task, phi, pairs):
    phi, log_noise = phi.detach().requires_grad_(), task.log_noise.detach().requires_grad_()
    return torch.autograd.grad(task.network.nll(phi, log_noise, pairs), [phi, log_noise])


def hessian_vector(task, phi, u):
    """Forward over reverse, on the support set: ∇_φ NLL, ∇²_φ NLL u, u · ∇_φ ∂NLL/∂s."""
    log_noise = task.log_noise.detach().requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(phi.detach().requires_grad_(), u)
        gradients = torch.autograd.grad(task.network.nll(dual, log_noise, task.support, tangents=True), [dual, log_noise])
        (gradient, product), (_, mixed) = map(forward_ad.unpack_dual, gradients)
        return gradient.detach(), product.detach(), mixed.detach()


def add_sampled_gradient(task, lam, noise, pairs, scale, out):
    """Adds the gradient of scale · (1/S) Σ_s NLL to out = (μ, ρ, log noise)."""
    for e in noise:
        spread = torch.exp(lam[1]) * e
        gradient, grad_log_noise = nll_gradient(task, lam[0] + spread, pairs)
        weight = scale / len(noise)
        out[0].add_(gradient, alpha=weight)
        out[1].addcmul_(spread, gradient, value=weight)
        out[2].add_(grad_log_noise, alpha=weight)


def add_kl_gradient(lam, theta, weight, out):
    out[0].addcmul_(lam[0] - theta[0], torch.exp(-2 * theta[1]), value=weight)
    out[1].add_(torch.exp(2 * (lam[1] - theta[1])) - 1, alpha=weight)


def meta_gradient_by_hand(task, exact=True):
    theta, n = task.theta, task.support_terms
    zeros = lambda: [torch.zeros_like(value) for value in (*theta, task.log_noise)]
    path = [theta]
    for noise in task.noise:
        lam, gradient = path[-1], zeros()
        add_kl_gradient(lam, theta, task.kl_inner / n, gradient)
        add_sampled_gradient(task, lam, noise, task.support, 1 / n, gradient)
        path.append([value - rate * g for value, rate, g in zip(lam, task.rates, gradient)])

    lam, v, weight = path.pop(), zeros(), task.kl_outer / task.query_terms
    add_kl_gradient(lam, theta, weight, v)
    shift, precision = lam[0] - theta[0], torch.exp(-2 * theta[1])
    grad_mu = -weight * shift * precision
    grad_rho = weight * (1 - torch.exp(2 * (lam[1] - theta[1])) - shift * shift * precision)
    add_sampled_gradient(task, lam, task.query_noise, task.query, 1 / task.query_terms, v)
    v_mu, v_rho, grad_log_noise = v

    for noise in reversed(task.noise) if exact else ():
        lam = path.pop()
        w_mu, w_rho = task.rates[0] * v_mu, task.rates[1] * v_rho
        along_mu = task.kl_inner / n * precision * w_mu
        along_rho = task.kl_inner / n * 2 * torch.exp(2 * (lam[1] - theta[1])) * w_rho
        v_mu = v_mu - along_mu
        v_rho = v_rho - along_rho
        grad_mu += along_mu
        grad_rho += along_rho + 2 * (lam[0] - theta[0]) * along_mu
        for e in noise:
            spread = torch.exp(lam[1]) * e
            gradient, product, mixed = hessian_vector(task, lam[0] + spread, w_mu + spread * w_rho)
            v_mu -= product / (n * len(noise))
            v_rho -= spread * (product + gradient * w_rho) / (n * len(noise))
            grad_log_noise -= mixed / (n * len(noise))
    return grad_mu + v_mu, grad_rho + v_rho, grad_log_noise


def reference_task(folder):
    folder = pathlib.Path(folder)
    spec = json.loads((folder / "spec.json").read_text())
    net, loop = spec["network"], spec["loop"]
    load = lambda name: torch.from_numpy(numpy.load(folder / f"{name}.npy").astype(numpy.float64))
    network = Network(*(net[key] for key in ("input_frames", "leads", "base_channels", "depth", "activation", "norm_groups")))
    task = Task(network, [load("mu"), load("rho")], load("log_noise"), (load("xs"), load("ys")), (load("xq"), load("yq")),
                load("eps"), load("eps_q"), (loop["inner_lr_mu"], loop["inner_lr_rho"]),
                (loop["inner_kl_weight"], loop["outer_kl_weight"]))
    return task, load


def check(folder):
    task, load = reference_task(folder)
    line = {"case": str(folder)}
    relative = lambda a, b: float((a - b).norm() / b.norm())
    outputs = ("mu", "rho", "log_noise")
    for how, result, names in (("create_graph", meta_gradient_create_graph(task), "out_meta_"),
                               ("by_hand", meta_gradient_by_hand(task), "out_meta_"),
                               ("first_order", meta_gradient_by_hand(task, exact=False), "out_first_order_")):
        line[how] = {name: relative(value, load(names + name)) for name, value in zip(outputs, result)}
    print(json.dumps(line))
    return all(error < 1e-9 for how in line.values() if isinstance(how, dict) for error in how.values())


def random_task(arguments):
    torch.manual_seed(1)
    network = Network(4, 8, *PRESETS[arguments.preset])
    theta = [0.05 * torch.randn(network.size), torch.full((network.size,), -5.0)]
    layout = torch.channels_last if arguments.layout == "channels_last" else torch.contiguous_format

    def pairs(count):
        images = [torch.randn(count, channels, arguments.size, arguments.size) for channels in (4, 8)]
        return [image.contiguous(memory_format=layout) for image in images]

    draw = lambda steps: [[torch.randn(network.size)] for _ in range(steps)]
    return Task(network, theta, torch.zeros(8), pairs(arguments.support), pairs(arguments.query),
                draw(arguments.inner_steps), draw(1)[0], (1e-4, 1e-4), (1e-3, 1e-3))


def forward(task):
    with torch.no_grad():
        task.network(task.theta[0], task.support[0][:1])


def time_part(arguments):
    torch.set_num_threads(arguments.threads)
    torch.backends.mkldnn.flags(enabled=not arguments.no_mkldnn).__enter__()
    task = random_task(arguments)
    body = {"forward": forward,
            "gradient": lambda task: nll_gradient(task, task.theta[0], task.support),
            "first_order": lambda task: meta_gradient_by_hand(task, exact=False),
            "create_graph": meta_gradient_create_graph,
            "by_hand": meta_gradient_by_hand}[arguments.part]
    seconds = []
    for i in range(arguments.warm_up + arguments.repetitions):
        start = time.perf_counter()
        body(task)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"torch": torch.__version__, "part": arguments.part, "preset": arguments.preset,
                      "threads": arguments.threads, "layout": arguments.layout, "mkldnn": not arguments.no_mkldnn,
                      "seconds": seconds[arguments.warm_up:],
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    if ARGUMENTS.check:
        sys.exit(0 if all([check(folder) for folder in ARGUMENTS.check]) else 1)
    time_part(ARGUMENTS)
