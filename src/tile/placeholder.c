typedef int placeholder_tile;
