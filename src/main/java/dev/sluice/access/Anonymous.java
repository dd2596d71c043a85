package dev.sluice.access;

import jakarta.inject.Singleton;

/** Lets in whoever comes, and takes no user name for true. Immutable. */
@Singleton
final class Anonymous implements Authentication {
    @Override
    public Method method() {
        return Method.ANONYMOUS;
    }

    /** A client that wants to prove something by messages would wait for an answer. */
    @Override
    public boolean concerns(Attempt attempt) {
        return attempt.authenticationMethod() == null;
    }

    @Override
    public Verdict judge(Attempt attempt) {
        return new Verdict.Granted(Identity.ANONYMOUS);
    }
}
