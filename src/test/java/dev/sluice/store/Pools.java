package dev.sluice.store;

import dev.sluice.store.StoreRig.Settings;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalConnectionPoolConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.exceptionsorter.PostgreSQLExceptionSorter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes pools of connections as the gateway has them: patient ones, with which a machine that stands still for seconds fails no test, and
 * hasty ones for tests of PostgreSQL's faults. Stateless.
 */
public final class Pools {
    private Pools() {}

    /** As application.properties sets it up, except for its patience: neither it nor the server gives up what is slow. */
    public static AgroalDataSource patient(EmbeddedServer server) {
        return patient(server, patientSql());
    }

    /** The same with connections that are prepared otherwise. */
    public static AgroalDataSource patient(EmbeddedServer server, String newConnectionSql) {
        return patient(server.url(), newConnectionSql);
    }

    public static AgroalDataSource patient(String server, String newConnectionSql) {
        return pool(server, Settings.PATIENCE, Settings.PATIENCE, newConnectionSql, Duration.ofMillis(500));
    }

    /** As application.properties sets it up, with a shorter socket timeout. */
    public static AgroalDataSource hasty(EmbeddedServer server) {
        return hasty(server.url(), 2);
    }

    /** @param socketTimeout in seconds */
    public static AgroalDataSource hasty(String server, int socketTimeout) {
        return hasty(server, socketTimeout, newConnectionSql(), Duration.ofMillis(500));
    }

    /** @param validation how long a connection may rest before it is asked whether it is well, when somebody wants it */
    public static AgroalDataSource hasty(
            String server, int socketTimeout, String newConnectionSql, Duration validation) {
        return pool(server, Settings.HASTE, Duration.ofSeconds(socketTimeout), newConnectionSql, validation);
    }

    private static AgroalDataSource pool(
            String server, Duration patience, Duration socketTimeout, String newConnectionSql, Duration validation) {
        var url = server
                + "&tcpKeepAlive=true&targetServerType=primary&hostRecheckSeconds=1"
                + "&connectTimeout=%d&loginTimeout=%d&sslResponseTimeout=%d&socketTimeout=%d"
                        .formatted(
                                patience.toSeconds(),
                                patience.toSeconds() + 1,
                                patience.toMillis() / 2,
                                socketTimeout.toSeconds());
        var configuration = new AgroalConnectionPoolConfigurationSupplier()
                .maxSize(39)
                .acquisitionTimeout(patience)
                .idleValidationTimeout(validation)
                .exceptionSorter(new PostgreSQLExceptionSorter())
                .connectionFactoryConfiguration(factory -> factory.jdbcUrl(url).initialSql(newConnectionSql));
        try {
            return AgroalDataSource.from(
                    new AgroalDataSourceConfigurationSupplier().connectionPoolConfiguration(configuration));
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    /** A pool that counts how often a connection is taken from it. */
    public static AgroalDataSource counting(AgroalDataSource pool, AtomicInteger count) {
        return (AgroalDataSource) Proxy.newProxyInstance(
                AgroalDataSource.class.getClassLoader(),
                new Class<?>[] {AgroalDataSource.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("getConnection")) count.incrementAndGet();
                    return method.invoke(pool, arguments);
                });
    }

    /** The gateway's, but nothing that a test holds up is ended by the server. */
    public static String patientSql() {
        return newConnectionSql()
                .replaceAll("(session_timeout|lock_timeout) = '\\w+'", "$1 = 0")
                .replaceAll("(transaction_timeout'', '')\\w+", "$10");
    }

    public static String newConnectionSql() {
        var properties = new Properties();
        try (var in = StoreRig.class.getResourceAsStream("/application.properties")) {
            properties.load(in);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        return properties.getProperty("quarkus.datasource.jdbc.new-connection-sql");
    }
}
