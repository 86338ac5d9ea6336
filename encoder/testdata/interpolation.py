"""Corrects torch, whose antialiased bilinear interpolation on processors is
wrong when the result is one column wide: every row is made of the first one
(torch 2.15; the transposed picture gives one row, which is right, and so do
GPUs and the JAX code of SigLIP 2). NaFlex pictures of extreme height have such
grids. Importing this module is enough.
"""
import torch

original = torch.nn.functional.interpolate


def interpolate(picture, size=None, *arguments, **options):
    if size is None or not options.get("antialias") or size[1] != 1:
        return original(picture, size, *arguments, **options)
    turned = picture.transpose(-1, -2).contiguous()
    return original(turned, (size[1], size[0]), *arguments, **options).transpose(-1, -2).contiguous()


torch.nn.functional.interpolate = interpolate
