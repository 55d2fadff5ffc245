// Start: each part is set up before the parts that depend on it.
setUpAbout();
setUpTable();
setUpRadar();
setUpLanes();
setUpPlayer();
setUpMini();
setUpControls();
setUpSaving();
setUpEditor();
choose(null);
placeMarks();
setZoom(1);
update(0);
