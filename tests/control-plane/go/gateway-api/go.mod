// The resource definitions of the Gateway API; none of its code is built.
module gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.0
