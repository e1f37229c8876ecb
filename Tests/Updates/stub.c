// A version for the proof of updates: it says its version, and as a service it is well at once, never, or not at all.
//
//   cc -DVERSION='"0.1.2"' -DMANNER=1 stub.c
//
// MANNER: 0 never says that it is well, 1 says so at once, 2 ends at once.
// The environment names its folders: STATE (of the daemon) and CREDENTIALS_DIRECTORY.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const char mark[] = "vebridge-version " VERSION "\n";

static void report(void) {
    char path[512], fresh[512], token[64] = "";
    snprintf(path, sizeof path, "%s/update-token", getenv("CREDENTIALS_DIRECTORY"));
    FILE *credential = fopen(path, "r");
    if (!credential) return;
    if (fscanf(credential, "%63s", token) != 1) token[0] = 0;
    fclose(credential);
    if (strlen(token) != 32) return;
    snprintf(fresh, sizeof fresh, "%s/updates/healthy.new", getenv("STATE"));
    snprintf(path, sizeof path, "%s/updates/healthy", getenv("STATE"));
    FILE *word = fopen(fresh, "w");
    if (!word) return;
    fprintf(word, "token %s\nprocess %d\nstate well\nreason none\n", token, (int)getpid());
    fclose(word);
    rename(fresh, path);
}

// Under systemd: it has started, which is not to say that it is well.
static void say_ready(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || strlen(path) >= sizeof address.sun_path) return;
    strcpy(address.sun_path, path);
    if (*path == '@') address.sun_path[0] = 0;
    int notify = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (notify >= 0) sendto(notify, "READY=1", 7, 0, (struct sockaddr *)&address, length);
}

int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "--version")) {
        fputs(mark + strlen("vebridge-version "), stdout);
        return 0;
    }
    if (MANNER == 2) return 1;
    say_ready();
    if (MANNER == 1) report();
    for (;;) pause();
}
