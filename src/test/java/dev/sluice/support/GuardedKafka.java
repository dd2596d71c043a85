package dev.sluice.support;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * A Kafka that takes TLS with SCRAM-SHA-512 and keeps access control lists, and of which the test is the administrator over a second,
 * plain listener; used by one thread.
 */
public final class GuardedKafka implements AutoCloseable {
    public static final String USER = "gateway";
    private static final String STORE_PASSWORD = "changeit";
    private static final int ITERATIONS = 4096;
    private static final long PATIENCE_SECONDS = 30;

    private final Path folder;
    private final int securedPort = Ports.free();
    private final EmbeddedKafka kafka;
    private final Admin admin;

    private GuardedKafka(Path folder) {
        this.folder = folder;
        makeCertificate();
        kafka = EmbeddedKafka.start(Ports.free(), folder, settings());
        admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()));
    }

    public static GuardedKafka start(Path folder, NewTopic... topics) {
        var guarded = new GuardedKafka(folder);
        guarded.kafka.createTopics(List.of(topics));
        return guarded;
    }

    private Map<String, String> settings() {
        var settings = new HashMap<String, String>();
        settings.put("listeners", "SASL_SSL://127.0.0.1:" + securedPort);
        settings.put("advertised.listeners", "SASL_SSL://127.0.0.1:" + securedPort);
        settings.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL");
        settings.put("sasl.enabled.mechanisms", "SCRAM-SHA-512");
        settings.put(
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;");
        settings.put("ssl.keystore.location", folder.resolve("broker.p12").toString());
        settings.put("ssl.keystore.password", STORE_PASSWORD);
        settings.put("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        settings.put(
                "super.users", "User:ANONYMOUS"); // who comes over the plain listener: the broker itself, and the test
        settings.put("producer.id.expiration.check.interval.ms", "1000");
        return settings;
    }

    /** A key pair of the broker, and a trust store of clients that holds nothing else. */
    private void makeCertificate() {
        keytool(
                "-genkeypair",
                "-alias",
                "broker",
                "-keyalg",
                "EC",
                "-dname",
                "CN=127.0.0.1",
                "-ext",
                "SAN=IP:127.0.0.1",
                "-validity",
                "2",
                "-keystore",
                "broker.p12");
        keytool("-exportcert", "-alias", "broker", "-file", "broker.cer", "-keystore", "broker.p12");
        keytool("-importcert", "-noprompt", "-alias", "broker", "-file", "broker.cer", "-keystore", "trust.p12");
    }

    private void keytool(String... arguments) {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-storetype", "PKCS12", "-storepass", STORE_PASSWORD));
        try {
            var log = folder.resolve("keytool.log").toFile();
            var process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                    .start();
            if (process.waitFor() != 0) throw new AssertionError(Files.readString(log.toPath()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Where the test reads and administers. */
    public String bootstrap() {
        return kafka.bootstrap();
    }

    /** Where the gateway connects. */
    public String securedBootstrap() {
        return "127.0.0.1:" + securedPort;
    }

    /** The JVM options that lead a gateway here. */
    public List<String> options(String password) {
        return List.of(
                "-Dkafka.security.protocol=SASL_SSL",
                "-Dkafka.sasl.mechanism=SCRAM-SHA-512",
                "-Dkafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
                        + USER + "\" password=\"" + password + "\";",
                "-Dkafka.ssl.truststore.location=" + folder.resolve("trust.p12"),
                "-Dkafka.ssl.truststore.password=" + STORE_PASSWORD);
    }

    public Admin admin() {
        return admin;
    }

    /** Gives the gateway's user this password. */
    public void password(String password) {
        await(admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                        USER, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS), password)))
                .all());
    }

    /** Lets the gateway's user read, write to and describe every Kafka topic. */
    public void allowAll() {
        await(admin.createAcls(List.of(
                        acl("*", AclOperation.READ, AclPermissionType.ALLOW),
                        acl("*", AclOperation.WRITE, AclPermissionType.ALLOW),
                        acl("*", AclOperation.DESCRIBE, AclPermissionType.ALLOW)))
                .all());
    }

    public void denyWrite(String kafkaTopic) {
        await(admin.createAcls(List.of(acl(kafkaTopic, AclOperation.WRITE, AclPermissionType.DENY)))
                .all());
    }

    public void withdrawDenial(String kafkaTopic) {
        await(admin.deleteAcls(List.of(acl(kafkaTopic, AclOperation.WRITE, AclPermissionType.DENY)
                        .toFilter()))
                .all());
    }

    private static AclBinding acl(String kafkaTopic, AclOperation operation, AclPermissionType permission) {
        return new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, kafkaTopic, PatternType.LITERAL),
                new AccessControlEntry("User:" + USER, "*", operation, permission));
    }

    /** The answer of the administration. */
    public static <T> T await(KafkaFuture<T> answer) {
        try {
            return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        admin.close();
        kafka.close();
    }
}
