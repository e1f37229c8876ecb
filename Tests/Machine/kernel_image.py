#!/usr/bin/env python3
"""Takes the kernel out of its self-extracting file: kernel_image.py VMLINUZ VMLINUX

QEMU starts the unpacked one directly. A processor that is emulated would need seconds to unpack it.
"""
import lzma
import struct
import sys
import zlib


def unpacked(image):
    """The ELF file in a bzImage; its header says where the packed part lies (Linux boot protocol 2.08)."""
    if image[0x202:0x206] != b"HdrS":
        raise ValueError("this is no Linux kernel for x86")
    # Counted in sectors, without the first one; 0 stands for 4.
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    packed = image[start:start + length]
    if packed.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor().decompress(packed)
    if packed.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(packed)
    raise ValueError(f"a kernel packed in a way not known here, beginning with {packed[:6].hex()}")


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} VMLINUZ VMLINUX")
    with open(sys.argv[1], "rb") as file:
        kernel = unpacked(file.read())
    if not kernel.startswith(b"\x7fELF"):
        sys.exit(f"{sys.argv[1]}: what was packed in it is no ELF file")
    with open(sys.argv[2], "wb") as file:
        file.write(kernel)


if __name__ == "__main__":
    main()
