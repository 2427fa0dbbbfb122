"""Radiographs from DICOM files: their pixels, and nothing else of them.

A header names the patient.  Only those of its elements are read that tell how the pixels are to be shown;
what comes back is an image without metadata.
"""

from __future__ import annotations

import io
import logging
import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError

from negviz.common.errors import NegvizError
from negviz.films.grey import OUTLIERS, grey_image, windowed
from negviz.films.size import FilmSizeError, check_size

# What pydicom warns of may quote a header, and warnings end up in a log.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"pydicom\b")

_READ: Final = (
    "Modality",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PixelData",
)
_NO_FILMS: Final = {  # what is no radiograph, though it has grey pixels
    "CT": "a CT slice",
    "MR": "an MR slice",
    "PT": "a PET slice",
    "NM": "a nuclear medicine image",
    "US": "an ultrasound image",
    "MG": "a mammogram",
}
_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"  # compressed as a whole: its size is known only once unpacked
_BROKEN: Final = (
    # pydicom promises no exceptions for damaged files: these are what its readers and decoders raise
    InvalidDicomError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class DicomError(NegvizError):
    """A DICOM file that cannot be shown; the message is one sentence that says why."""


def read_dicom(data: bytes) -> Image.Image:
    """The film in a DICOM file as a grey image (mode "L"), as bright as it is meant to be shown.

    Rescale slope and intercept are applied, then the first window that is given (DICOM part 3, C.11.2);
    MONOCHROME1, in which low values are bright, is inverted.  Raises `DicomError`.
    """
    if _DEFLATED in data:
        raise DicomError("It is a deflated DICOM file; save it uncompressed.")
    try:
        header = dcmread(io.BytesIO(data), specific_tags=list(_READ))
        _check(header)
        stored = _stored(header)
        shown = _windowed(_rescaled(stored, header), header)
    except DicomError:
        raise
    except _BROKEN as error:
        raise DicomError("It is a DICOM file that cannot be read: damaged, or no film.") from error
    bright = 1 - shown if header.PhotometricInterpretation == "MONOCHROME1" else shown
    return grey_image(bright)


def _check(header: Dataset) -> None:
    if (what := _NO_FILMS.get(str(header.get("Modality", "")))) is not None:
        raise DicomError(f"It is {what}, and films are radiographs of the chest; leave it out.")
    if "PixelData" not in header:
        raise DicomError("It is a DICOM file without an image.")
    if int(header.get("NumberOfFrames") or 1) != 1:
        raise DicomError("It holds several frames; save the one that is meant as a film of its own.")
    if header.SamplesPerPixel != 1 or header.PhotometricInterpretation not in _GREY:
        raise DicomError("It is a DICOM image in colour; films are grey.")
    try:
        check_size(header.Columns, header.Rows)
    except FilmSizeError as error:
        raise DicomError(f"It {error}") from error


def _stored(header: Dataset) -> NDArray[Any]:
    """The stored values [rows, columns]; decoders that are not installed are a sentence of their own."""
    try:
        values: NDArray[Any] = header.pixel_array
    except _BROKEN as error:
        if header.file_meta.TransferSyntaxUID.is_compressed:
            raise DicomError(
                "Its image is damaged or compressed in a way that is not read here; save it uncompressed."
            ) from error
        raise
    if values.shape != (header.Rows, header.Columns):
        raise DicomError("Its image is not of the size that its header says; save it anew.")
    return values


def _rescaled(stored: NDArray[Any], header: Dataset) -> NDArray[np.float32]:
    slope, intercept = (_number(header, name) for name in ("RescaleSlope", "RescaleIntercept"))
    scaled = stored.astype(np.float32) * np.float32(1 if slope is None else slope)
    return scaled + np.float32(intercept or 0)


def _windowed(values: NDArray[np.float32], header: Dataset) -> NDArray[np.float32]:
    """Values [rows, columns] brought to 0 … 1 by the window, or from nearly the least to nearly the most."""
    if not np.isfinite(values).all():
        raise DicomError("Its grey values are not numbers; save it anew.")
    centre, width = (_number(header, name) for name in ("WindowCenter", "WindowWidth"))
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if centre is None or width is None or width < 1 or (width == 1 and function == "LINEAR"):
        low, high = np.percentile(values, OUTLIERS)
    elif function == "SIGMOID":
        shown = 1 / (1 + np.exp((-4 * (values - centre) / width).clip(-80, 80)))
        return windowed(shown, 0, 1)
    elif function == "LINEAR_EXACT":
        low, high = centre - width / 2, centre + width / 2
    else:  # LINEAR, in which a window of 256 values spans 255 steps
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    return windowed(values, low, high)


def _number(header: Dataset, name: str) -> float | None:
    """A number of the header, the first where there are several; None where it is missing."""
    value = header.get(name)
    if value is None or value == "":
        return None
    return float(value if isinstance(value, (int, float, str)) else value[0])
