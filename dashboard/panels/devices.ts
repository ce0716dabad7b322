/**
 * Matchers for the devices that count. What goes through a guest's interface, a bridge or a mapped disk
 * goes through a physical device, too: together they would count the same bytes twice, and a busy host has
 * hundreds of them. Each instance shows its own on its page.
 */
export const NICS = 'device!~"lo|(tap|vnet|veth|virbr|docker|br-|cali|flannel|ovs|ifb|dummy).*"';
export const DISKS = 'device!~"(dm-|md|loop|ram|zram|sr).*"';
