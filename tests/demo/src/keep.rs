//! What to type next when all is left running.

use crate::stage::Stage;

pub fn instructions(stage: &Stage) -> String {
    let (kubeconfig, kubectl) = (stage.plane.kubeconfig(), stage.plane.kubectl());
    let (url, log) = (stage.sandbox.url(), stage.operator.log_file());
    format!(
        "All of it is still running. In another terminal:

  export KUBECONFIG={kubeconfig} PATH=\"$PATH:{kubectl}\"

  kubectl get evcert,evisn,eviss,evciss
  kubectl explain evcert.spec
  kubectl describe evcert shop
  kubectl patch evcert shop --type=merge -p '{{\"spec\": {{\"privateKey\": {{\"algorithm\": \"RSA\", \"size\": 3072}}}}}}'

  curl -d '{{\"advance\": \"90d\"}}' -H 'content-type: application/json' {url}/_sandbox/clock
  curl {url}/_sandbox/ledger
  tail -f {log}

The CA's orders and certificates: {url}
Ctrl-C here ends everything.",
        kubeconfig = kubeconfig.display(),
        kubectl = kubectl.parent().unwrap_or(kubectl).display(),
        log = log.display(),
    )
}
