# Everything runs inside the environment, which the first target to need it sets up.
enter := environment/enter
python_sources := imagio_sim cli tests environment $(wildcard validation) docs/hooks
layer := $(CURDIR)/environment/enter --layer paraview
pytest := IMAGIO_PVBATCH="$(layer) pvbatch" IMAGIO_DCIODVFY="$(layer) dciodvfy" $(enter) python3 -m pytest

.PHONY: help setup demo test test-slow lint docs check fix wheel clean

help:
	@echo "make setup      find or make the environment (3 min at most, once)"
	@echo "make demo       plan a virtual tumour in a real patient's liver, twice"
	@echo "make test       the fast tests, with those that use MPI and ParaView"
	@echo "make test-slow  the long ones: validation, independence of mesh and step, a campaign on a real SLURM"
	@echo "make docs       the documentation site in build/site"
	@echo "make check      what CI runs: format, lint, types, import direction, documentation, tests"
	@echo "make fix        format, and correct what can be corrected automatically"
	@echo "make wheel      build dist/imagio_sim-*.whl"
	@echo "make clean      remove what was built here (not the environment, which checkouts share)"

setup:
	@environment/setup

demo:
	./imagio data get abdomen
	./imagio run scenarios/liver_rf_demo.yaml
	@echo "Pictures: runs/liver_rf_demo/*/zone_planes.png and zone_3d.png; reports: runs/liver_rf_demo/*/report.html"
	@echo "ParaView: File > Load State, runs/liver_rf_demo/*/paraview_view.py; 3D Slicer: runs/liver_rf_demo/*/slicer/scene.mrml"

test:
	@environment/setup --with-paraview
	$(pytest) -m "not slow"

test-slow:
	@environment/setup --with-paraview --with-slurm
	$(pytest) -m slow
	$(enter) --layer slurm python3 -m pytest -m slow tests/campaign/workflow/test_cluster.py tests/campaign/validation/test_cluster.py

lint:
	$(enter) ruff format --check $(python_sources)
	$(enter) ruff check $(python_sources)
	$(enter) mypy
	$(enter) lint-imports

check: lint docs test

fix:
	$(enter) ruff format $(python_sources)
	$(enter) ruff check --fix $(python_sources)

docs:
	NO_MKDOCS_2_WARNING=1 $(enter) python3 -m mkdocs build --strict --quiet

wheel:
	$(enter) python3 -m build --no-isolation --wheel

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
