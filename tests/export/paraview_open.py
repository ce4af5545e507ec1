# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run by ParaView's pvbatch: threshold a field series by label, colour it by temperature, save a picture.

``pvbatch paraview_open.py FIELDS.xdmf PICTURE.png LABEL`` prints one line of JSON with what it saw.
"""

import json
import sys

from paraview import simple

series, picture, label = sys.argv[1], sys.argv[2], float(sys.argv[3])
reader = simple.OpenDataFile(series)
reader.UpdatePipeline()
times = list(reader.TimestepValues)
reader.UpdatePipeline(times[-1])
kept = simple.Threshold(Input=reader)
kept.Scalars = ["CELLS", "label"]
kept.LowerThreshold, kept.UpperThreshold = label, label
kept.UpdatePipeline(times[-1])
view = simple.CreateView("RenderView")
view.ViewSize = [600, 500]
view.ViewTime = times[-1]
shown = simple.Show(kept, view)
simple.ColorBy(shown, ("POINTS", "temperature_degC"))
shown.RescaleTransferFunctionToDataRange(False, True)
simple.ResetCamera(view)
simple.Render(view)
simple.SaveScreenshot(picture, view)
temperature = kept.PointData["temperature_degC"].GetRange()
points = [reader.PointData[k].Name for k in range(reader.PointData.GetNumberOfArrays())]
cells = [reader.CellData[k].Name for k in range(reader.CellData.GetNumberOfArrays())]
whole, part = reader.GetDataInformation(), kept.GetDataInformation()
sys.stdout.write(
    json.dumps(
        {
            "times": times,
            "point_fields": points,
            "cell_fields": cells,
            "cells": whole.GetNumberOfCells(),
            "cells_of_label": part.GetNumberOfCells(),
            "bounds": list(whole.GetBounds()),
            "temperature_degC": list(temperature),
        }
    )
    + "\n"
)
