//! TLS to a server, whose certificate is not looked at.
//!
//! The reference means not to verify: servers are asked by their addresses, behind which a certificate for the name of
//! the service, or one that the server signed itself, is usual. What a check has to say is whether the service works.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::road::Link;

/// What can be checked.
const SPOKEN: &str = "TLS 1.2 and 1.3 are spoken, with ECDHE by X25519, P-256 or P-384, AES-GCM or ChaCha20, and keys of RSA, P-256, P-384 or Ed25519";

/// What all checks share. A session is never taken up again: each check is to see a whole handshake.
static CONFIG: LazyLock<Result<Arc<ClientConfig>, Error>> = LazyLock::new(|| {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.dangerous();
    let mut config = builder.with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
});

/// Speaks TLS over a link. `name` is what the server is asked for (SNI), where it is a name and no address.
pub(super) async fn wrap(
    link: Box<dyn Link>,
    ip: IpAddr,
    name: Option<&str>,
) -> Result<Box<dyn Link>, String> {
    let config = CONFIG.as_ref().map_err(ToString::to_string)?;
    let connector = TlsConnector::from(Arc::clone(config));
    match connector.connect(server_name(ip, name), link).await {
        Ok(link) => Ok(Box::new(link)),
        Err(e) => Err(reason(&e)),
    }
}

/// The name, without a port. Without a usable one nothing is sent: an address is not.
fn server_name(ip: IpAddr, name: Option<&str>) -> ServerName<'static> {
    let name = name.map(|name| name.split_once(':').map_or(name, |(host, _)| host));
    let name = name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
    name.unwrap_or_else(|| ServerName::IpAddress(ip.into()))
}

/// Why a handshake failed, for somebody who knows his server but not our library.
fn reason(error: &io::Error) -> String {
    let why = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match why {
        Some(Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion)) => {
            format!("nothing in common with the server, which may be too old ({SPOKEN}): {error}")
        }
        Some(Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )) => format!(
            "the server refuses the handshake; it may know nothing that is spoken here, or want a certificate of ours ({SPOKEN}): {error}"
        ),
        Some(Error::InvalidMessage(_)) => format!("the server does not speak TLS: {error}"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed in the middle of the handshake".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Takes everybody for the server.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature says something only about a certificate that was verified. Not looking at it lets old certificates
    // pass, too, whose keys and forms are no longer known.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_by_a_name_only() {
        let ip = IpAddr::from([10, 0, 0, 1]);
        let asked = |name| server_name(ip, name).to_str().into_owned();
        assert_eq!(asked(Some("www.x.y")), "www.x.y");
        assert_eq!(asked(Some("www.x.y:8443")), "www.x.y");
        for none in [None, Some("10.0.0.1"), Some("no name"), Some("[::1]:443"), Some("")] {
            assert_eq!(asked(none), "10.0.0.1", "{none:?}");
        }
    }
}
