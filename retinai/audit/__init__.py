"""`retinai audit`: an explainer, photographs with truth, and what is measured of the two. Stands above the rooms, like the pipeline."""
