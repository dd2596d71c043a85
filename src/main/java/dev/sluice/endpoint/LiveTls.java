package dev.sluice.endpoint;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;

/** Key and trust managers of a TLS server that ask those of the moment. Any thread may use them. */
final class LiveTls {
    private LiveTls() {}

    /** Keys of the moment. One that is not extended is asked for nothing by the engine of a server. */
    static final class Keys extends X509ExtendedKeyManager {
        private final Supplier<X509ExtendedKeyManager> now;

        Keys(Supplier<X509ExtendedKeyManager> now) {
            this.now = now;
        }

        @Override
        public String[] getClientAliases(String keyType, Principal[] issuers) {
            return now.get().getClientAliases(keyType, issuers);
        }

        @Override
        public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
            return now.get().chooseClientAlias(keyTypes, issuers, socket);
        }

        @Override
        public String[] getServerAliases(String keyType, Principal[] issuers) {
            return now.get().getServerAliases(keyType, issuers);
        }

        @Override
        public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
            return now.get().chooseServerAlias(keyType, issuers, socket);
        }

        @Override
        public String chooseEngineServerAlias(String keyType, Principal[] issuers, SSLEngine engine) {
            return now.get().chooseEngineServerAlias(keyType, issuers, engine);
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return now.get().getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return now.get().getPrivateKey(alias);
        }
    }

    /** @param now the trust in force */
    record Trust(Supplier<X509TrustManager> now) implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            now.get().checkClientTrusted(chain, authType);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            now.get().checkServerTrusted(chain, authType);
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return now.get().getAcceptedIssuers();
        }
    }
}
