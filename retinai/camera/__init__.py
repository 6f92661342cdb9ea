"""The camera in the photograph: dust, scratches and reflections that lie at the same pixels in every photograph of one camera.

`learn` makes a `CameraProfile` from unlabelled photographs, `profile` keeps it, `divide` takes its marks out of a
photograph. Arrays only, no torch.
"""
