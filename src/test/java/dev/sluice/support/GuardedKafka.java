package dev.sluice.support;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
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
 * A Kafka that takes TLS with SASL or a client certificate and keeps access control lists, and of which the test is the administrator
 * over one more, plain listener; used by one thread.
 */
public final class GuardedKafka implements AutoCloseable {
    public static final String USER = "gateway";
    private static final String PLAIN_PASSWORD = "of PLAIN";
    public static final String CLIENT_SECRET = "of OAuth";
    private static final String MODULES = "org.apache.kafka.common.security.";
    private static final int ITERATIONS = 4096;
    private static final long PATIENCE_SECONDS = 30;

    private final int securedPort = Ports.free();
    private final int certificatePort = Ports.free();
    private final TokenEndpoint tokens = TokenEndpoint.start(USER, CLIENT_SECRET);
    private final Path brokerStore;
    private final Path trustInBroker;
    private final Path clientStore;
    private final Path trustInClient;
    private final EmbeddedKafka kafka;
    private final Admin admin;

    private GuardedKafka(Path folder) {
        var stores = new KeyStores(folder);
        var brokers = CertificateAuthority.named("authority of brokers");
        var clients = CertificateAuthority.named("authority of clients");
        brokerStore = stores.pair("broker", brokers.server());
        trustInBroker = stores.trustIn("broker", brokers.certificate());
        clientStore = stores.pair("client", clients.client("CN=" + USER));
        trustInClient = stores.trustIn("client", clients.certificate());
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
        var listeners = "SASL_SSL://127.0.0.1:" + securedPort + ",SSL://127.0.0.1:" + certificatePort;
        settings.put("listeners", listeners);
        settings.put("advertised.listeners", listeners);
        settings.put(
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL");
        settings.put("ssl.keystore.location", brokerStore.toString());
        settings.put("ssl.keystore.password", KeyStores.PASSWORD);
        settings.put("listener.name.ssl.ssl.client.auth", "required");
        settings.put("listener.name.ssl.ssl.truststore.location", trustInClient.toString());
        settings.put("listener.name.ssl.ssl.truststore.password", KeyStores.PASSWORD);
        settings.put("ssl.principal.mapping.rules", "RULE:^CN=(.*)$/$1/");
        settings.put("sasl.enabled.mechanisms", "SCRAM-SHA-512,PLAIN,OAUTHBEARER");
        settings.put(sasl("scram-sha-512", "jaas.config"), MODULES + "scram.ScramLoginModule required;");
        settings.put(
                sasl("plain", "jaas.config"),
                MODULES + "plain.PlainLoginModule required user_" + USER + "=\"" + PLAIN_PASSWORD + "\";");
        settings.put(sasl("oauthbearer", "jaas.config"), MODULES + "oauthbearer.OAuthBearerLoginModule required;");
        settings.put(
                sasl("oauthbearer", "server.callback.handler.class"),
                MODULES + "oauthbearer.OAuthBearerValidatorCallbackHandler");
        settings.put("sasl.oauthbearer.jwks.endpoint.url", tokens.keysUrl());
        settings.put("org.apache.kafka.sasl.oauthbearer.allowed.urls", tokens.keysUrl());
        settings.put("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
        settings.put(
                "super.users", "User:ANONYMOUS"); // who comes over the plain listener: the broker itself, and the test
        settings.put("producer.id.expiration.check.interval.ms", "1000");
        return settings;
    }

    private static String sasl(String mechanism, String name) {
        return "listener.name.sasl_ssl." + mechanism + ".sasl." + name;
    }

    /** Of the listener that asks for nothing. */
    public int plainPort() {
        return Integer.parseInt(bootstrap().substring(bootstrap().indexOf(':') + 1));
    }

    /** Where the test reads and administers. */
    public String bootstrap() {
        return kafka.bootstrap();
    }

    /** Where the gateway connects. */
    public String securedBootstrap() {
        return "127.0.0.1:" + securedPort;
    }

    /** Where the gateway connects that has a certificate. */
    public String certificateBootstrap() {
        return "127.0.0.1:" + certificatePort;
    }

    /** The JVM options by which a gateway comes in by SCRAM. */
    public List<String> options(String password) {
        return saslOptions(
                "SCRAM-SHA-512",
                "scram.ScramLoginModule required username=\"" + USER + "\" password=\"" + password + "\";");
    }

    /** The JVM options by which a gateway comes in by PLAIN. */
    public List<String> plainOptions() {
        return saslOptions(
                "PLAIN",
                "plain.PlainLoginModule required username=\"" + USER + "\" password=\"" + PLAIN_PASSWORD + "\";");
    }

    /** The JVM options by which a gateway comes in by a token of {@link #tokens}. */
    public List<String> tokenOptions() {
        var options = saslOptions("OAUTHBEARER", "oauthbearer.OAuthBearerLoginModule required;");
        options.add("-Dkafka.sasl.oauthbearer.client.credentials.client.id=" + USER);
        options.add("-Dkafka.sasl.oauthbearer.client.credentials.client.secret=" + CLIENT_SECRET);
        options.add("-Dkafka.sasl.oauthbearer.token.endpoint.url=" + tokens.tokenUrl());
        options.add(
                "-Dkafka.sasl.login.callback.handler.class=" + MODULES + "oauthbearer.OAuthBearerLoginCallbackHandler");
        return options;
    }

    /** The JVM options by which a gateway comes in by its certificate. */
    public List<String> certificateOptions() {
        var options = encrypted("SSL");
        options.add("-Dkafka.ssl.keystore.location=" + clientStore);
        options.add("-Dkafka.ssl.keystore.password=" + KeyStores.PASSWORD);
        options.add("-Dkafka.ssl.key.password=" + KeyStores.PASSWORD);
        return options;
    }

    private List<String> saslOptions(String mechanism, String module) {
        var options = encrypted("SASL_SSL");
        options.add("-Dkafka.sasl.mechanism=" + mechanism);
        options.add("-Dkafka.sasl.jaas.config=" + MODULES + module);
        return options;
    }

    private List<String> encrypted(String protocol) {
        return new ArrayList<>(List.of(
                "-Dkafka.security.protocol=" + protocol,
                "-Dkafka.ssl.truststore.location=" + trustInBroker,
                "-Dkafka.ssl.truststore.password=" + KeyStores.PASSWORD));
    }

    public TokenEndpoint tokens() {
        return tokens;
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

    /** Takes back what {@link #allowAll} allows, as far as it is about writing. */
    public void withdrawWrite() {
        await(admin.deleteAcls(List.of(
                        acl("*", AclOperation.WRITE, AclPermissionType.ALLOW).toFilter()))
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
        kafka.process().kill();
        tokens.close();
    }
}
