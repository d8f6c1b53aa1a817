typedef int placeholder_characterize;
