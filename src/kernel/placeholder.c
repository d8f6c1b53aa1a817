typedef int placeholder_kernel;
