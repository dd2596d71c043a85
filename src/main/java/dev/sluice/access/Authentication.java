package dev.sluice.access;

/** One method of authentication, a bean. Any number of virtual threads use it at once. */
public interface Authentication {
    Method method();

    /** Whether what the attempt offers is for this method; then no later one is asked. Does not block. */
    boolean concerns(Attempt attempt);

    /** May block, in bounded time; is interrupted when the client is gone. */
    Verdict judge(Attempt attempt);
}
