package dev.sluice.store;

import io.agroal.api.AgroalDataSource;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;

/** Owns a pool whose connections break during a commit when the test says so; any thread. */
public final class BrokenCommits {
    /** What becomes of a transaction whose commit is reported as failed. */
    public enum Fate {
        COMMITTED,
        ROLLED_BACK,
        /** Nobody knows yet: its connection is in {@link #undecided}. */
        UNDECIDED,
        /** It is committed, and its answer does not come. */
        UNANSWERED
    }

    public final LinkedBlockingQueue<Connection> undecided = new LinkedBlockingQueue<>();
    private final AtomicReference<Fate> next = new AtomicReference<>();
    private volatile String thread;
    private final AgroalDataSource pool;

    public BrokenCommits(AgroalDataSource pool) {
        this.pool = pool;
    }

    /** The next transaction that the journal commits is to break so. */
    public void breakNext(Fate fate) {
        breakNext(fate, "journal-lane");
    }

    /** @param by part of the name of the thread that commits it */
    public void breakNext(Fate fate, String by) {
        thread = by;
        next.set(fate);
    }

    public boolean hasBroken() {
        return next.get() == null;
    }

    public AgroalDataSource dataSource() {
        return proxy(AgroalDataSource.class, (_, method, arguments) -> {
            var result = invoke(pool, method, arguments);
            return result instanceof Connection connection ? breaking(connection) : result;
        });
    }

    private Connection breaking(Connection connection) {
        var abandoned = new AtomicReference<Fate>();
        return proxy(Connection.class, (_, method, arguments) -> {
            if (method.getName().equals("commit")) {
                var by = thread;
                var isMeant = by != null && Thread.currentThread().getName().contains(by);
                var fate = isMeant ? next.getAndSet(null) : null;
                if (fate != null) {
                    abandoned.set(fate);
                    end(connection, fate);
                    throw new SQLException("broken by the test", "08006");
                }
            }
            if (abandoned.get() == Fate.UNDECIDED) return null; // the client gave it up
            return invoke(connection, method, arguments);
        });
    }

    private void end(Connection connection, Fate fate) throws SQLException {
        switch (fate) {
            case COMMITTED -> connection.commit();
            case ROLLED_BACK -> connection.rollback();
            case UNDECIDED -> undecided.add(connection);
            case UNANSWERED -> {
                connection.commit();
                try {
                    new CountDownLatch(1).await(); // until the caller gives it up, and interrupts
                } catch (InterruptedException _) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException failed) {
            throw failed.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
