typedef int placeholder_net;
