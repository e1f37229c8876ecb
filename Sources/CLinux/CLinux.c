#include <linux/gpio.h>
#include "CLinux.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int vebridge_can_open(const char *name, int *step, int *is_up) {
    *step = 0;
    *is_up = 0;
    int descriptor = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
    if (descriptor < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    *step = 1;
    if (ioctl(descriptor, SIOCGIFFLAGS, &request) != 0) goto failed;
    *is_up = (request.ifr_flags & IFF_UP) != 0;
    if (ioctl(descriptor, SIOCGIFINDEX, &request) != 0) goto failed;
    *step = 2;
    struct can_filter filter = {.can_id = CAN_EFF_FLAG, .can_mask = CAN_EFF_FLAG | CAN_RTR_FLAG};
    can_err_mask_t errors = CAN_ERR_MASK;
    int own = 0;
    if (setsockopt(descriptor, SOL_CAN_RAW, CAN_RAW_FILTER, &filter, sizeof filter) != 0
        || setsockopt(descriptor, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors) != 0
        || setsockopt(descriptor, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, &own, sizeof own) != 0)
        goto failed;
    *step = 3;
    struct sockaddr_can address;
    memset(&address, 0, sizeof address);
    address.can_family = AF_CAN;
    address.can_ifindex = request.ifr_ifindex;
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) goto failed;
    return descriptor;
failed:;
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

int vebridge_can_read(int descriptor, unsigned *id, unsigned long long *data, unsigned *count) {
    struct can_frame frame;
    long size = read(descriptor, &frame, sizeof frame);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (size != (long)sizeof frame) { errno = EIO; return -1; }
    unsigned long long bits = 0;
    *count = frame.can_dlc > 8 ? 8 : frame.can_dlc;
    for (unsigned index = 0; index < *count; index++) bits |= (unsigned long long)frame.data[index] << (8 * index);
    *id = frame.can_id;
    *data = bits;
    return 1;
}

int vebridge_can_write(int descriptor, unsigned id, unsigned long long data, unsigned count) {
    struct can_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.can_id = id;
    frame.can_dlc = (unsigned char)(count > 8 ? 8 : count);
    for (unsigned index = 0; index < frame.can_dlc; index++) frame.data[index] = (unsigned char)(data >> (8 * index));
    return write(descriptor, &frame, sizeof frame) == (long)sizeof frame ? 0 : errno;
}

int vebridge_gpio_take(int chip, const unsigned *lines, unsigned count, const char *owner) {
    struct gpio_v2_line_request request;
    memset(&request, 0, sizeof request);
    if (count > GPIO_V2_LINES_MAX) {
        errno = EINVAL;
        return -1;
    }
    for (unsigned index = 0; index < count; index++) request.offsets[index] = lines[index];
    strncpy(request.consumer, owner, sizeof request.consumer - 1);
    request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
    request.num_lines = count;
    return ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) == 0 ? request.fd : -1;
}

int vebridge_gpio_set(int lines, unsigned long long bits, unsigned count) {
    struct gpio_v2_line_values values = {.bits = bits, .mask = count >= 64 ? ~0ULL : (1ULL << count) - 1};
    return ioctl(lines, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}
