package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class PoolerCheckTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Test
    void aServerOfItsOwnIsTaken() throws SQLException {
        PoolerCheck.require(SERVER.dataSource());
    }

    @Test
    void aPoolerThatKeepsAConnectionForATransactionOnlyIsRefused() throws SQLException {
        try (var one = SERVER.dataSource().getConnection();
                var other = SERVER.dataSource().getConnection()) {
            var pooler = new TransactionPooler(List.of(one, other));
            assertThatThrownBy(() -> PoolerCheck.require(pooler.dataSource()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("pool_mode=session");
        }
    }

    @Test
    void aStatementThatAnotherConnectionHasPreparedIsRefused() {
        assertThatThrownBy(() -> PoolerCheck.require(failing("42P05")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("pool_mode=session");
        assertThatThrownBy(() -> PoolerCheck.require(failing("08006"))).isInstanceOf(SQLException.class);
    }

    private static DataSource failing(String state) {
        return TransactionPooler.proxy(DataSource.class, (_, _, _) -> {
            throw new SQLException("of the test", state);
        });
    }

    /** What pgbouncer does with pool_mode=transaction: the server's connection that was used last goes to the next transaction. */
    private record TransactionPooler(ArrayDeque<Connection> servers) {
        TransactionPooler(List<Connection> servers) {
            this(new ArrayDeque<>(servers));
        }

        DataSource dataSource() {
            return proxy(DataSource.class, (_, method, _) -> {
                if (method.getName().equals("getConnection")) return client();
                throw new AssertionError(method);
            });
        }

        private Connection client() {
            var held = new ArrayDeque<Connection>();
            return proxy(Connection.class, (_, method, arguments) -> handle(held, method, arguments));
        }

        /** @param held the server's connection of a transaction that is open, nothing between two */
        private Object handle(ArrayDeque<Connection> held, Method method, Object[] arguments) throws Throwable {
            switch (method.getName()) {
                case "setAutoCommit" -> {
                    if (!(boolean) arguments[0]) held.add(servers.removeFirst());
                    return null;
                }
                case "rollback" -> {
                    servers.addFirst(held.remove());
                    return null;
                }
                case "createStatement" -> {
                    return (held.isEmpty() ? servers : held).getFirst().createStatement();
                }
                case "close" -> {
                    return null;
                }
                default -> throw new AssertionError(method);
            }
        }

        private static <T> T proxy(Class<T> type, InvocationHandler handler) {
            return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
        }
    }
}
