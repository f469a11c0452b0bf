"""Ending a process that no longer runs Python: a thread of the operating system's, which never waits for the GIL."""
cdef extern from *:
    """
    #if defined(_WIN32)
    static int nt_watch_signals(int from, int to) { (void)from; (void)to; return -1; }
    static void nt_set_grace(int milliseconds) { (void)milliseconds; }
    #else
    #include <pthread.h>
    #include <signal.h>
    #include <stdatomic.h>
    #include <time.h>
    #include <unistd.h>

    static _Atomic int nt_grace = 4000; /* ms */
    static int nt_from = -1, nt_to = -1;

    static void nt_set_grace(int milliseconds) { atomic_store(&nt_grace, milliseconds); }

    static void *nt_watch(void *unused)
    {
        static const char said[] = "neutone: interrupted\\n";
        unsigned char number;
        (void)unused;
        do
            if (read(nt_from, &number, 1) != 1)
                return NULL;
        while (number != SIGINT && number != SIGTERM && number != SIGHUP);
        if (write(nt_to, &number, 1) == 1) { /* who could unwind has the time to */
            int grace = atomic_load(&nt_grace);
            struct timespec wait = {grace / 1000, grace % 1000 * 1000000L};
            nanosleep(&wait, NULL);
        }
        if (write(2, said, sizeof said - 1) < 0)
            _exit(128 + number);
        _exit(128 + number);
    }

    static int nt_watch_signals(int from, int to)
    {
        sigset_t all, before;
        pthread_t thread;
        if (nt_from >= 0)
            return 0;
        nt_from = from;
        nt_to = to;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are for the other threads */
        int status = pthread_create(&thread, NULL, nt_watch, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (status == 0)
            pthread_detach(thread);
        return status;
    }
    #endif
    """
    int nt_watch_signals(int source, int target)
    void nt_set_grace(int milliseconds)


def watch_signals(int source, int target):
    """Read the numbers of signals from the descriptor `source`, as signal.set_wakeup_fd writes them. The first that is to
    end the process goes on to `target`; the grace after that, the process ends. False: this system has no such thread."""
    return nt_watch_signals(source, target) == 0


def set_grace(double seconds):
    """How long after the signal."""
    nt_set_grace(<int>(1000 * seconds))
