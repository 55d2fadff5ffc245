// Begins: what must be there before it is filled comes first.
setUpAbout();
setUpTable();
setUpRadar();
setUpLanes();
setUpPlayer();
setUpControls();
placeMarks();
setZoom(1);
update(0);
