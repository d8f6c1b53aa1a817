typedef int placeholder_infer;
