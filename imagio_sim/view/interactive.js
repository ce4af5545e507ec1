// SPDX-License-Identifier: LGPL-3.0-or-later
// Draws the surfaces of a report's scene with vtk.js when it is asked for, so that the page itself opens at once.
function showScene(button) {
  const place = button.closest(".scene");
  const scene = JSON.parse(place.querySelector("script").textContent);
  const canvas = place.querySelector(".canvas");
  const decoded = (text, kind) => new kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  button.remove();
  canvas.hidden = false;
  const rendering = vtk.Rendering;
  const window_ = rendering.Misc.vtkGenericRenderWindow.newInstance({ background: [1, 1, 1], listenWindowResize: true });
  window_.setContainer(canvas);
  window_.resize();
  const renderer = window_.getRenderer();
  renderer.setUseDepthPeeling && renderer.setUseDepthPeeling(true);
  const render = () => window_.getRenderWindow().render();
  scene.surfaces.forEach((surface) => {
    const data = vtk.Common.DataModel.vtkPolyData.newInstance();
    data.getPoints().setData(decoded(surface.points, Float32Array), 3);
    data.getPolys().setData(decoded(surface.polygons, Uint32Array));
    const mapper = rendering.Core.vtkMapper.newInstance({ scalarVisibility: false });
    const normals = vtk.Filters.Core.vtkPolyDataNormals.newInstance();
    normals.setInputData(data);
    mapper.setInputConnection(normals.getOutputPort());
    const actor = rendering.Core.vtkActor.newInstance();
    actor.setMapper(mapper);
    actor.getProperty().set({ color: surface.colour, opacity: surface.opacity, ambient: 0.25, diffuse: 0.8 });
    renderer.addActor(actor);
    const box = place.querySelector(`[data-surface="${surface.number}"]`);
    box.addEventListener("change", () => {
      actor.setVisibility(box.checked);
      render();
    });
  });
  const camera = renderer.getActiveCamera();
  camera.setFocalPoint(0, 0, 0);
  camera.setPosition(...scene.viewpoint);
  camera.setViewUp(0, 0, 1);
  renderer.resetCameraClippingRange();
  render();
  place.querySelector(".surfaces").hidden = false;
}
