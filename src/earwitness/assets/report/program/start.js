// Start: each part is set up before the parts that depend on it.
setUpAbout();
setUpTable();
setUpRadar();
setUpLanes();
setUpPlayer();
setUpControls();
placeMarks();
setZoom(1);
update(0);
