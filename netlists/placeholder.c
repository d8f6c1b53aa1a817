typedef int placeholder_netlists;
