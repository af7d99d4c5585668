DROP TABLE forged_beacons;
DROP TABLE invalid_beacons;
